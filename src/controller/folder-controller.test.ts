// The controller of a real folder, in processes of its own that are killed: statuses stay whole, addresses stay put.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const main = join(import.meta.dirname, '../main.ts');

/** A folder with a pool of `addresses` addresses, which goes with the scope. */
function folder(addresses: number): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'gantry-controller-'));
  const pool = `198.18.0.1-198.18.${Math.trunc(addresses / 256)}.${addresses % 256}`;
  const spec = { addresses: [pool] };
  writeFileSync(
    join(path, 'pool.json'),
    JSON.stringify({
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'p' },
      spec,
    }),
  );
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function writeServices(path: string, first: number, count: number): void {
  for (let index = first; index < first + count; index += 1) {
    const metadata = { namespace: 'shop', name: `s${index}` };
    const spec = { type: 'LoadBalancer', ports: [{ port: 80 }] };
    writeFileSync(
      join(path, `s${index}.json`),
      JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata, spec }),
    );
  }
}

interface Running {
  readonly child: ChildProcess;
  /** Its log so far. */
  readonly log: () => string;
}

function startController(path: string): Running {
  const command = ['controller', '--folder', path, '--http', 'off'];
  const child = spawn(process.execPath, [main, ...command], { stdio: ['ignore', 'inherit', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  return { child, log: () => log };
}

const told = (running: Running, event: string): Promise<void> =>
  until(() => running.log().includes(`"event":"${event}"`));

async function kill({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** The address of each Service by its status file; fails on a file that is not whole, or two with one address. */
function statuses(path: string): Map<string, string> {
  const found = new Map<string, string>();
  const files = readdirSync(join(path, '.status'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => /^services\/shop\/[^.].*\.json$/.test(name))) {
    const status = JSON.parse(readFileSync(join(path, '.status', file), 'utf8'));
    const ip: string = status.status.loadBalancer.ingress[0].ip;
    for (const [other, theirs] of found) assert.notEqual(theirs, ip, `${other} and ${file} have ${ip}`);
    found.set(file, ip);
  }
  return found;
}

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what(); tries += 1) {
    assert.ok(tries < 1000, 'it takes too long');
    await sleep(20);
  }
}

const count = (path: string): number => {
  try {
    return statuses(path).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
};

test('killed while it writes, again and again: no status is torn, and no address moves or is given twice', async () => {
  using scene = folder(300);
  const { path } = scene;
  writeServices(path, 0, 200);
  let before = new Map<string, string>();
  for (const least of [1, 60, 150]) {
    const running = startController(path);
    try {
      await until(() => count(path) >= least);
    } finally {
      await kill(running);
    }
    const now = statuses(path);
    for (const [file, ip] of before) assert.equal(now.get(file), ip, `${file} moved`);
    before = now;
  }
});

test('the one that stands by takes over when the other is killed', async () => {
  using scene = folder(10);
  const { path } = scene;
  writeServices(path, 0, 1);
  const first = startController(path);
  await told(first, 'active');
  const second = startController(path);
  try {
    await told(second, 'standing-by');
    writeServices(path, 1, 1);
    await until(() => count(path) === 2);
    await kill(first);
    writeServices(path, 2, 1);
    await until(() => count(path) === 3);
  } finally {
    await Promise.all([kill(first), kill(second)]);
  }
});
