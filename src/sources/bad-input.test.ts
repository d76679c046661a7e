// Bad input, one kind a test: a clear error names file, line, object and field, and everything else goes on working.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatProblem } from '../model/problem.ts';
import { follow, poolYaml, serviceYaml, TemporaryFolder } from './folder-fixture.ts';

interface Case {
  readonly what: string;
  readonly put: (folder: TemporaryFolder) => void;
  /** What is said, line by line; nothing else may be. */
  readonly says: readonly RegExp[];
}

const pools = (folder: TemporaryFolder, ...addresses: string[]) =>
  folder.write('bad.yaml', poolYaml('bad', '198.51.100.0/24', ...addresses));

const services = (folder: TemporaryFolder, from: string, to: string) =>
  folder.write('bad.yaml', serviceYaml('bad').replace(from, to));

const cases: readonly Case[] = [
  {
    what: 'broken YAML',
    put: (folder) => folder.write('bad.yaml', 'apiVersion: v1\nkind: [Service\nmetadata: {}\n'),
    says: [/^bad\.yaml:\d: This is not valid YAML/],
  },
  {
    what: 'tabs instead of spaces',
    put: (folder) => folder.write('bad.yaml', 'apiVersion: v1\nkind: Service\nmetadata:\n\tname: x\n'),
    says: [/^bad\.yaml:4: This is not valid YAML: Tabs/],
  },
  {
    what: 'broken JSON',
    put: (folder) => folder.write('bad.json', '{"kind": "Service",\n"metadata": }\n'),
    says: [/^bad\.json:2: This is not valid JSON/],
  },
  {
    what: 'bytes that are no text',
    put: (folder) => folder.write('bad.yaml', Buffer.from([0xff, 0xfe, 0x00]).toString('latin1')),
    says: [/^bad\.yaml:/],
  },
  {
    what: 'wrong types',
    put: (folder) => services(folder, 'port: 80', 'port: "80"'),
    says: [
      /^bad\.yaml:7: Service shop\/bad: spec\.ports\[0\]\.port: "80": This must be a number, not a string/,
    ],
  },
  {
    what: 'an unknown kind',
    put: (folder) => folder.write('bad.yaml', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n'),
    says: [/^bad\.yaml:2: Deployment x: kind: "Deployment": Gantry does not read this kind/],
  },
  {
    what: 'an unknown field',
    put: (folder) => services(folder, 'type:', 'loadBalancerIp: 192.0.2.1\n  type:'),
    says: [/^bad\.yaml:5: Service shop\/bad: spec\.loadBalancerIp: .*Did you mean loadBalancerIP\?/],
  },
  {
    what: 'overlapping pools',
    put: (folder) => folder.write('bad.yaml', poolYaml('worse', '198.51.100.0/24', '192.0.2.128/25')),
    says: [
      /^bad\.yaml:4: IPAddressPool worse: spec\.addresses\[1\]: "192\.0\.2\.128-192\.0\.2\.255": .*IPAddressPool good/,
    ],
  },
  {
    what: 'a reversed range',
    put: (folder) => pools(folder, '203.0.113.9-203.0.113.1'),
    says: [
      /^bad\.yaml:4: IPAddressPool bad: spec\.addresses\[1\]: "203\.0\.113\.9-203\.0\.113\.1": .*reversed/,
    ],
  },
  {
    what: 'a range of two families',
    put: (folder) => pools(folder, '203.0.113.9-2001:db8::1'),
    says: [/^bad\.yaml:4: IPAddressPool bad: spec\.addresses\[1\]: .*one family/],
  },
  {
    what: 'a port given twice',
    put: (folder) => services(folder, '  - {name: web', '  - {name: other, port: 80}\n  - {name: web'),
    says: [/^bad\.yaml:8: Service shop\/bad: spec\.ports\[1\]\.port: 80: Port 80 is given twice for TCP/],
  },
  ...['"../../x"', '"$(reboot)"', '"`id`"', '"a;b"', '"{ drop }"', '"a b"', '"..\\\\x"', '"a\\0b"'].map(
    (name) => ({
      what: `the name ${name}`,
      put: (folder: TemporaryFolder) => services(folder, 'name: bad', `name: ${name}`),
      says: [/^bad\.yaml:3: Service shop\/.*: metadata\.name: ".*": This name must be lower-case letters/],
    }),
  ),
  {
    what: 'a namespace that is a path',
    put: (folder) => services(folder, 'namespace: shop', 'namespace: ../../etc'),
    says: [/^bad\.yaml:3: Service .*metadata\.namespace: "\.\.\/\.\.\/etc"/],
  },
  {
    what: 'a file of 50 MB',
    put: (folder) => {
      folder.write('bad.yaml', serviceYaml('bad'));
      truncateSync(join(folder.path, 'bad.yaml'), 50_000_000);
    },
    says: [/^bad\.yaml: A manifest must be smaller than 16 MiB/],
  },
  {
    what: 'a loop of links',
    put: (folder) => {
      folder.write('x/ignored.txt', '');
      folder.link('..', 'x/loop');
    },
    says: [/^x\/loop: This link leads to a folder that contains it/],
  },
  {
    what: 'a pipe that nobody writes to',
    put: (folder) => execFileSync('mkfifo', [join(folder.path, 'bad.yaml')]),
    says: [/^bad\.yaml: A manifest must be a regular file/],
  },
  {
    what: 'a document that is no object',
    put: (folder) => folder.write('bad.yaml', '- just\n- a list\n'),
    says: [/^bad\.yaml:1: \["just","a list"\]: A manifest must be an object/],
  },
  {
    what: 'the same object twice in a file',
    put: (folder) => folder.write('bad.yaml', `${serviceYaml('bad')}---\n${serviceYaml('bad')}`),
    says: [/^bad\.yaml:11: Service shop\/bad: The same object is in this file at line 3 already/],
  },
];

for (const { what, put, says } of cases) {
  test(`${what}: is named, and harms nothing else`, async () => {
    using folder = new TemporaryFolder();
    folder.write('good.yaml', `${poolYaml('good', '192.0.2.0/24')}---\n${serviceYaml('good')}`);
    put(folder);
    {
      await using source = await follow(folder.path);
      const said = source.problems().map(formatProblem);
      assert.equal(said.length, says.length, said.join('\n'));
      for (const [index, pattern] of says.entries()) assert.match(said[index] ?? '', pattern);
      assert.ok(source.world.pools.has('good'));
      folder.write('good.yaml', `${poolYaml('good', '192.0.2.0/24')}---\n${serviceYaml('good', 81)}`);
      await source.until(() => source.ports('good')?.[0] === 81);
    }
  });
}

test('a Service with 1,000 ports is in force', async () => {
  using folder = new TemporaryFolder();
  const ports = Array.from({ length: 1000 }, (_, index) => `  - {name: p${index}, port: ${index + 1}}\n`);
  folder.write('a.yaml', serviceYaml('a') + ports.join('').replace('port: 80}', 'port: 1001}'));
  await using source = await follow(folder.path);
  assert.deepEqual(source.problems(), []);
  assert.equal(source.ports('a')?.length, 1001);
});

test('a file that may not be read keeps what it gave', {
  skip: process.getuid?.() === 0 && 'root reads all',
}, async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a'));
  await using source = await follow(folder.path);
  chmodSync(join(folder.path, 'a.yaml'), 0);
  await source.until(() => source.problems().length === 1);
  assert.match(source.problems()[0]?.rule ?? '', /EACCES/);
  assert.deepEqual(source.ports('a'), [80]);
});
