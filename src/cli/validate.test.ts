// `gantry validate`: what it prints, and the exit code that scripts rely on.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { poolYaml, serviceYaml, TemporaryFolder } from '../sources/folder-fixture.ts';
import type { OutputFormat } from './options.ts';
import { validate } from './validate.ts';

async function run(directory: string, output: OutputFormat = 'table') {
  let printed = '';
  let complained = '';
  const code = await validate(directory, {
    output,
    write: (text) => {
      printed += text;
    },
    complain: (text) => {
      complained += text;
    },
  });
  return { code, printed, complained };
}

test('a clean folder ends with 0 and a count', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a'));
  assert.deepEqual(await run(folder.path), {
    code: 0,
    printed: '1 object accepted, 0 errors, 0 warnings\n',
    complained: '',
  });
});

test('warnings alone end with 0, and are called so', async () => {
  using folder = new TemporaryFolder();
  folder.write('pod.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n');
  const { code, printed } = await run(folder.path);
  assert.equal(code, 0);
  assert.match(
    printed,
    /^pod\.yaml:2: Pod x: kind: "Pod": .* \(warning\)\n0 objects accepted, 0 errors, 1 warning\n$/,
  );
});

test('errors end with 1, each on a line with file, line, object, field, value and rule', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', `${poolYaml('a', '192.0.2.0/24')}---\n${poolYaml('b', '192.0.2.9/32')}`);
  folder.write('x/b.yaml', serviceYaml('b', 0));
  const { code, printed } = await run(folder.path);
  assert.equal(code, 1);
  const [pool, service, count] = printed.split('\n');
  assert.match(
    pool ?? '',
    /^a\.yaml:9: IPAddressPool b: spec\.addresses\[0\]: "192\.0\.2\.9-192\.0\.2\.9": This overlaps/,
  );
  assert.match(
    service ?? '',
    /^x\/b\.yaml:7: Service shop\/b: spec\.ports\[0\]\.port: 0: This must be at least 1\.$/,
  );
  assert.equal(count, '1 object accepted, 2 errors, 0 warnings');
});

test('as JSON the same is one object', async () => {
  using folder = new TemporaryFolder();
  folder.write('b.yaml', serviceYaml('b', 0));
  const { code, printed } = await run(folder.path, 'json');
  assert.equal(code, 1);
  const rule = 'This must be at least 1.';
  const place = { file: 'b.yaml', line: 7, kind: 'Service', namespace: 'shop', name: 'b' };
  assert.deepEqual(JSON.parse(printed), {
    ok: false,
    accepted: 0,
    errors: 1,
    warnings: 0,
    problems: [{ ...place, field: 'spec.ports[0].port', value: '0', rule, severity: 'error' }],
  });
});

test('a folder that is not there ends with 2', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', '');
  for (const path of [join(folder.path, 'no'), join(folder.path, 'a.yaml')]) {
    const { code, printed, complained } = await run(path);
    assert.equal(code, 2);
    assert.equal(printed, '');
    assert.match(complained, /is not a folder/);
  }
});

test('the examples are without a problem', async () => {
  const { code, printed } = await run(join(import.meta.dirname, '../../examples'));
  assert.equal(code, 0);
  assert.match(printed, /^\d+ objects accepted, 0 errors, 0 warnings\n$/);
});
