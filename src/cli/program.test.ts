// Tests of the command line as its users meet it: child processes, their output and their exit codes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const main = join(import.meta.dirname, '..', 'main.ts');

const colour = '\u001b[';

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function gantry(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Result> {
  const env = { PATH: process.env['PATH'], ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** A folder with one Service that has its address, and no agent. */
function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-cli-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const manifests = [
    'apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: lan}\nspec: {addresses: [192.0.2.0/28]}',
    'apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: lan}',
    'apiVersion: v1\nkind: Service\nmetadata: {namespace: web, name: a}\nspec: {type: LoadBalancer, ports: [{port: 80}]}',
  ];
  writeFileSync(join(directory, 'all.yaml'), manifests.join('\n---\n'));
  mkdirSync(join(directory, '.status/services/web'), { recursive: true });
  writeFileSync(
    join(directory, '.status/services/web/a.json'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        namespace: 'web',
        name: 'a',
        annotations: { 'metallb.io/ip-allocated-from-pool': 'lan' },
      },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] }, conditions: [] },
    }),
  );
  return directory;
}

test('help is on standard output with code 0, and lists every command once', async () => {
  const { code, out, err } = await gantry(['--help']);
  assert.deepEqual([code, err], [0, '']);
  for (const name of [
    'controller',
    'agent',
    'pulse',
    'standalone',
    'demo',
    'status',
    'why',
    'validate',
    'version',
  ]) {
    assert.equal(out.match(new RegExp(`^  ${name} `, 'gm'))?.length, 1, name);
  }
});

test('wrong usage ends with code 2 and a suggestion, on standard error', async () => {
  const table = [
    [['versoin'], /unknown command 'versoin'\n\(Did you mean version\?\)/],
    [['version', '--outpt', 'json'], /unknown option '--outpt'\n\(Did you mean --output\?\)/],
    [['version', '--output', 'yaml'], /argument 'yaml' is invalid. Allowed choices are table, json/],
    [['why', '--folder', '/nowhere'], /missing required argument 'service'/],
    [['agent'], /give --folder, --kubernetes or --kubeconfig/],
    [['status', '--folder', '.', '--kubernetes'], /cannot be used with option '--kubernetes'/],
    [[], /Usage: gantry/],
  ] as const;
  const results = await Promise.all(table.map(([args]) => gantry(args)));
  for (const [index, { code, out, err }] of results.entries()) {
    const [args, expected] = table[index] ?? [];
    assert.deepEqual([code, out], [2, ''], `gantry ${args?.join(' ')}`);
    assert.match(err, expected ?? /never/);
  }
});

test('why and status read a folder, and end with code 1 when something is wrong', async (t) => {
  const directory = folder(t);
  const [why, status, byEnvironment] = await Promise.all([
    gantry(['why', 'a', '--folder', directory, '--output', 'json']),
    gantry(['status', '--folder', directory]),
    gantry(['status', '--output', 'json'], { GANTRY_FOLDER: directory }),
  ]);
  const chain = JSON.parse(why.out);
  assert.deepEqual([why.code, chain.service, chain.addresses], [1, 'web/a', ['192.0.2.1']]);
  assert.equal(status.code, 1);
  assert.match(
    status.out,
    /^web\/a +192\.0\.2\.1 +lan +- +0\/0 +- +no-endpoints +It has no ready endpoint\.$/m,
  );
  assert.equal(JSON.parse(byEnvironment.out).services.length, 1);
});

test('output to a pipe has no colours, unless they are asked for', async (t) => {
  const args = ['why', 'a', '--folder', folder(t)];
  const [piped, forced] = await Promise.all([gantry(args), gantry(args, { FORCE_COLOR: '1' })]);
  assert.equal(piped.out.includes(colour), false);
  assert.equal(forced.out.includes(colour), true);
});

test('a failure is one sentence without a stack, unless debugging', async () => {
  const { code, err } = await gantry(['status', '--folder', '/nowhere']);
  assert.equal(code, 1);
  assert.equal(err, 'error: there is no folder /nowhere; name the folder of manifests\n');
});

test('version gives three versions', async () => {
  const [table, json] = await Promise.all([gantry(['version']), gantry(['version', '-o', 'json'])]);
  assert.match(table.out, /^gantry {3}\d+\.\d+\.\d+\nnode {5}\d+\.\d+\.\d+\nkernel {3}Linux /);
  assert.deepEqual(Object.keys(JSON.parse(json.out)), ['version', 'node', 'kernel']);
});
