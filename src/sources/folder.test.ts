// The folder source, live: what people, editors, ConfigMap mounts and crashes do to files, and what is made of it.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '../model/address.ts';
import { folderSource } from './folder.ts';
import { follow, poolYaml, serviceStatusJson, serviceYaml, TemporaryFolder } from './folder-fixture.ts';

test('the first list is whole: files, folders, several documents, JSON and lists', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', `${serviceYaml('a')}---\n${serviceYaml('b')}`);
  folder.write('x/y/c.yml', serviceYaml('c'));
  const item = { metadata: { name: 'd', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } };
  folder.write('d.json', JSON.stringify({ apiVersion: 'v1', kind: 'ServiceList', items: [item] }));
  folder.write('pool.yaml', poolYaml('public', '192.0.2.0/24'));
  folder.write('README.md', 'not a manifest');
  await using source = await follow(folder.path);
  assert.deepEqual([...source.world.services.keys()].sort(), ['shop/a', 'shop/b', 'shop/c', 'shop/d']);
  assert.deepEqual([...source.world.pools.keys()], ['public']);
  assert.equal(source.world.complete, true);
  assert.equal(source.batches.at(-1)?.complete, true);
  assert.deepEqual(source.problems(), []);
});

test('an empty folder is a whole list, too', async () => {
  using folder = new TemporaryFolder();
  await using source = await follow(folder.path);
  assert.deepEqual(source.batches, [{ changes: [], complete: true }]);
});

test('a file written, changed and removed is followed', async () => {
  using folder = new TemporaryFolder();
  await using source = await follow(folder.path);
  folder.write('a.yaml', serviceYaml('a', 80));
  await source.until(() => source.ports('a')?.[0] === 80);
  folder.write('a.yaml', serviceYaml('a', 81));
  await source.until(() => source.ports('a')?.[0] === 81);
  folder.remove('a.yaml');
  await source.until(() => source.ports('a') === undefined);
});

test('folders that come, move and go are followed', async () => {
  using folder = new TemporaryFolder();
  await using source = await follow(folder.path);
  folder.write('x/y/a.yaml', serviceYaml('a'));
  await source.until(() => source.ports('a') !== undefined);
  folder.write('x/y/b.yaml', serviceYaml('b'));
  await source.until(() => source.ports('b') !== undefined);
  const batches = source.batches.length;
  folder.move('x', 'z');
  await sleep(400);
  assert.equal(source.batches.length, batches, 'the same objects from another place are no change');
  folder.write('z/y/a.yaml', serviceYaml('a', 81));
  await source.until(() => source.ports('a')?.[0] === 81);
  folder.remove('z');
  await source.until(() => source.world.services.size === 0);
});

test('a file that is written again unchanged changes nothing', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a'));
  await using source = await follow(folder.path);
  folder.write('a.yaml', `# a comment\n${serviceYaml('a')}`);
  folder.write('b.yaml', serviceYaml('b'));
  await source.until(() => source.ports('b') !== undefined);
  const told = source.batches.slice(1).flatMap(({ changes }) => changes.map(({ key }) => key));
  assert.deepEqual(told, ['shop/b']);
});

test('a half-written file takes nothing away and is not called broken before it had time', async () => {
  using folder = new TemporaryFolder();
  const whole = `${serviceYaml('a', 81)}---\n${serviceYaml('b', 81)}`;
  folder.write('a.yaml', whole.replaceAll('81', '80'));
  await using source = await follow(folder.path);
  folder.write('a.yaml', '');
  await sleep(20);
  folder.write('a.yaml', whole.slice(0, 60));
  await sleep(20);
  appendFileSync(join(folder.path, 'a.yaml'), whole.slice(60, 150));
  await sleep(20);
  appendFileSync(join(folder.path, 'a.yaml'), whole.slice(150));
  await source.until(() => source.ports('a')?.[0] === 81 && source.ports('b')?.[0] === 81);
  const changes = source.batches.flatMap((batch) => batch.changes);
  assert.ok(changes.every(({ object }) => object !== undefined));
  assert.deepEqual(source.problems(), []);
});

test('a broken file keeps its objects in force, says so, and is forgiven', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a'));
  await using source = await follow(folder.path);
  folder.write('a.yaml', 'kind: [\n');
  await source.until(() => source.problems().length === 1);
  assert.equal(source.problems()[0]?.file, 'a.yaml');
  assert.match(
    source.problems()[0]?.rule ?? '',
    /not valid YAML.*The last accepted version stays in force\.$/,
  );
  assert.deepEqual(source.ports('a'), [80]);
  folder.write('a.yaml', serviceYaml('a', 81));
  await source.until(() => source.ports('a')?.[0] === 81 && source.problems().length === 0);
});

test('an object that turns invalid stays in force, while its neighbours change', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', `${serviceYaml('a')}---\n${serviceYaml('b')}`);
  await using source = await follow(folder.path);
  folder.write('a.yaml', `${serviceYaml('a', 99_999)}---\n${serviceYaml('b', 81)}`);
  await source.until(() => source.ports('b')?.[0] === 81);
  assert.deepEqual(source.ports('a'), [80]);
  const [problem] = source.problems();
  assert.equal(problem?.line, 7);
  assert.equal(problem?.field, 'spec.ports[0].port');
  assert.match(problem?.rule ?? '', /stays in force/);
});

test('what was broken survives a restart of whoever kept it, and of whoever reads it', async () => {
  using folder = new TemporaryFolder();
  const lastGood = join(folder.path, '.status/last-good/x');
  folder.write('x/a.yaml', `${serviceYaml('a')}---\n${serviceYaml('b')}---\n${serviceYaml('c')}`);
  {
    await using source = await follow(folder.path, { keepLastGood: true });
    folder.write(
      'x/a.yaml',
      `${serviceYaml('a', 99_999)}---\n${serviceYaml('b', 81)}---\n${serviceYaml('c')}`,
    );
    await source.until(() => source.ports('b')?.[0] === 81);
    folder.write('x/a.yaml', `${serviceYaml('a', 99_999)}---\n${serviceYaml('b', 99_999)}---\nkind: [\n`);
    await source.until(() => source.problems().length === 3);
  }
  assert.deepEqual(readdirSync(lastGood), ['a.yaml.json']);
  for (const keepLastGood of [false, true]) {
    await using source = await follow(folder.path, { keepLastGood });
    assert.deepEqual([source.ports('a'), source.ports('b'), source.ports('c')], [[80], [81], [80]]);
    assert.equal(source.problems().length, 3);
  }
  {
    await using source = await follow(folder.path, { keepLastGood: true });
    folder.write('x/a.yaml', `${serviceYaml('a', 82)}---\n${serviceYaml('b', 99_999)}`);
    await source.until(() => source.ports('a')?.[0] === 82 && source.ports('c') === undefined);
  }
  assert.doesNotMatch(readFileSync(join(lastGood, 'a.yaml.json'), 'utf8'), /"name": "(a|c)"/);
  {
    await using source = await follow(folder.path, { keepLastGood: true });
    assert.deepEqual(source.ports('b'), [81]);
    folder.write('x/a.yaml', serviceYaml('a', 83));
    await source.until(() => source.ports('a')?.[0] === 83 && source.ports('b') === undefined);
  }
  assert.deepEqual(readdirSync(lastGood), []);
});

test('what was kept for a file that is gone is removed at the next start', async () => {
  using folder = new TemporaryFolder();
  folder.write('.status/last-good/gone.yaml.json', '{"kind": "List", "items": []}');
  await (await follow(folder.path, { keepLastGood: false }))[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(join(folder.path, '.status/last-good')), ['gone.yaml.json']);
  await (await follow(folder.path, { keepLastGood: true }))[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(join(folder.path, '.status/last-good')), []);
});

test('the ways in which editors save a file are one change', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a', 80));
  await using source = await follow(folder.path);
  // A swap file beside it, the old file moved away, the new one written in its place.
  folder.write('.a.yaml.swp', 'b0VIM');
  folder.write('4913', '');
  folder.remove('4913');
  folder.move('a.yaml', 'a.yaml~');
  await sleep(30);
  folder.write('a.yaml', serviceYaml('a', 81));
  folder.remove('a.yaml~');
  folder.remove('.a.yaml.swp');
  await source.until(() => source.ports('a')?.[0] === 81);
  // A new file renamed over the old one.
  folder.write('#a.yaml#', serviceYaml('other'));
  folder.link('user@host.1234', '.#a.yaml');
  folder.write('a.yaml.tmp', serviceYaml('a', 82));
  folder.move('a.yaml.tmp', 'a.yaml');
  await source.until(() => source.ports('a')?.[0] === 82);
  await sleep(300);
  const told = source.batches
    .slice(1)
    .map(({ changes }) => changes.map(({ key, object }) => [key, object !== undefined]));
  assert.deepEqual(told, [[['shop/a', true]], [['shop/a', true]]]);
  assert.deepEqual(source.problems(), []);
});

test('a ConfigMap mount is read once, and swapped as one', async () => {
  using folder = new TemporaryFolder();
  folder.write('..2026_01/a.yaml', serviceYaml('a', 80));
  folder.write('..2026_01/b.yaml', serviceYaml('b', 80));
  folder.link('..2026_01', '..data');
  folder.link('..data/a.yaml', 'a.yaml');
  folder.link('..data/b.yaml', 'b.yaml');
  await using source = await follow(folder.path);
  assert.equal(source.world.services.size, 2);
  folder.write('..2026_02/a.yaml', serviceYaml('a', 81));
  folder.write('..2026_02/b.yaml', serviceYaml('b', 81));
  folder.link('..2026_02', '..data_tmp');
  folder.move('..data_tmp', '..data');
  folder.remove('..2026_01');
  await source.until(() => source.ports('a')?.[0] === 81 && source.ports('b')?.[0] === 81);
  await sleep(250);
  assert.equal(source.batches.length, 2);
  assert.deepEqual(source.problems(), []);
});

test('linked files and folders are read once, and loops of links are named', async () => {
  using elsewhere = new TemporaryFolder();
  elsewhere.write('c/c.yaml', serviceYaml('c'));
  using folder = new TemporaryFolder();
  folder.write('x/a.yaml', serviceYaml('a'));
  folder.link('x', 'again');
  folder.link('x/a.yaml', 'b.yaml');
  folder.link(elsewhere.path, 'out');
  folder.link(join(elsewhere.path, 'c'), 'out-too');
  folder.link('.', 'loop');
  folder.link('..', 'x/up');
  folder.link('self', 'self');
  folder.link('nowhere.yaml', 'dangling.yaml');
  elsewhere.link(folder.path, 'back');
  await using source = await follow(folder.path);
  assert.deepEqual([...source.world.services.keys()].sort(), ['shop/a', 'shop/c']);
  assert.deepEqual(
    source.problems().map(({ file }) => file),
    ['loop', 'out/back', 'self', 'x/up'],
  );
  elsewhere.write('c/c.yaml', serviceYaml('c', 81));
  await source.until(() => source.ports('c')?.[0] === 81);
  folder.remove('out');
  await sleep(300);
  assert.deepEqual(source.ports('c'), [81], 'the other link leads there still');
  folder.remove('out-too');
  await source.until(() => source.ports('c') === undefined);
});

test('the same object in two files: the first stays in force, and both are named', async () => {
  using folder = new TemporaryFolder();
  folder.write('b.yaml', serviceYaml('a', 81));
  folder.write('c.yaml', serviceYaml('a', 82));
  await using source = await follow(folder.path);
  assert.deepEqual(source.ports('a'), [81], 'at the start, the first by name');
  folder.write('a.yaml', serviceYaml('a', 80));
  await source.until(() => source.problems().length === 2);
  assert.deepEqual(source.ports('a'), [81], 'later, the one in force');
  const [first, second] = source.problems();
  assert.deepEqual([first?.file, first?.line, first?.name], ['a.yaml', 3, 'a']);
  assert.match(first?.rule ?? '', /b\.yaml/);
  assert.equal(second?.file, 'c.yaml');
  folder.remove('b.yaml');
  await source.until(() => source.ports('a')?.[0] === 80 && source.problems().length === 1);
  assert.equal(source.batches.flatMap(({ changes }) => changes).filter(({ object }) => !object).length, 0);
});

test('a pool that overlaps one in force stands aside, now and after a restart', async () => {
  using folder = new TemporaryFolder();
  folder.write('z.yaml', poolYaml('z', '192.0.2.0/24'));
  folder.write('.status/ipaddresspools/z.json', '{}');
  {
    await using source = await follow(folder.path);
    folder.write('a.yaml', `\n${poolYaml('a', '198.51.100.0/24', '192.0.2.128/25')}`);
    await source.until(() => source.problems().length === 1);
    assert.deepEqual([...source.world.pools.keys()], ['z']);
    const [problem] = source.problems();
    assert.deepEqual([problem?.file, problem?.line, problem?.field], ['a.yaml', 5, 'spec.addresses[1]']);
    assert.match(problem?.rule ?? '', /IPAddressPool z/);
  }
  await using source = await follow(folder.path);
  assert.deepEqual([...source.world.pools.keys()], ['z']);
});

test('a status gives its Service the addresses, from the first list on and live', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', `${serviceYaml('a')}---\n${serviceYaml('b')}`);
  folder.write('.status/services/shop/a.json', serviceStatusJson('a', '192.0.2.1'));
  folder.write('.status/services/shop/stranger.json', serviceStatusJson('stranger', '192.0.2.9'));
  await using source = await follow(folder.path);
  const addresses = (name: string) =>
    source.world.services.get(`shop/${name}`)?.allocated.addresses.map(formatAddress).join();
  assert.equal(addresses('a'), '192.0.2.1');
  assert.equal(addresses('b'), '');
  folder.write('.status/services/shop/.b.json.tmp', serviceStatusJson('b', '192.0.2.2', '2001:db8::2'));
  folder.move('.status/services/shop/.b.json.tmp', '.status/services/shop/b.json');
  await source.until(() => addresses('b') === '192.0.2.2,2001:db8::2');
  assert.equal(source.world.services.get('shop/b')?.allocated.pool, 'public');
  folder.remove('.status/services/shop/b.json');
  await source.until(() => addresses('b') === '');
  assert.equal(source.world.services.has('shop/stranger'), false);
});

test('a folder without .status hears of the first status that is written there', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a'));
  await using source = await follow(folder.path);
  folder.write('.status/services/shop/a.json', serviceStatusJson('a', '192.0.2.1'));
  await source.until(() => source.world.services.get('shop/a')?.allocated.addresses.length === 1);
});

test('a broken status is reported, and takes no address away', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', `${serviceYaml('a')}---\n${serviceYaml('b')}`);
  folder.write('.status/services/shop/a.json', serviceStatusJson('a', '192.0.2.1'));
  folder.write('.status/services/shop/b.json', serviceStatusJson('b', '192.0.2.2').slice(0, 40));
  await using source = await follow(folder.path);
  assert.equal(source.world.services.get('shop/b')?.allocated.addresses.length, 0);
  folder.write('.status/services/shop/a.json', serviceStatusJson('a', 'nonsense'));
  await source.until(() => source.problems().length === 2);
  assert.deepEqual(
    source.problems().map(({ file, severity }) => [file, severity]),
    [
      ['.status/services/shop/a.json', 'warning'],
      ['.status/services/shop/b.json', 'warning'],
    ],
  );
  assert.equal(source.world.services.get('shop/a')?.allocated.addresses.length, 1);
  folder.write('.status/services/shop/b.json', serviceStatusJson('b', '192.0.2.2'));
  await source.until(() => source.world.services.get('shop/b')?.allocated.addresses.length === 1);
  assert.equal(source.problems().length, 1);
});

test('a folder that vanishes keeps everything in force, and is read anew when it returns', async () => {
  using parent = new TemporaryFolder();
  parent.write('manifests/a.yaml', serviceYaml('a'));
  parent.write('manifests/b.yaml', serviceYaml('b'));
  await using source = await follow(join(parent.path, 'manifests'), { pollMilliseconds: 20 });
  parent.move('manifests', 'elsewhere');
  await source.until(() => source.problems().length === 1);
  await sleep(300);
  assert.equal(source.world.services.size, 2);
  mkdirSync(join(parent.path, 'new'));
  parent.write('new/a.yaml', serviceYaml('a', 81));
  renameSync(join(parent.path, 'new'), join(parent.path, 'manifests'));
  await source.until(() => source.ports('a')?.[0] === 81 && source.ports('b') === undefined);
  assert.deepEqual(source.problems(), []);
  parent.write('manifests/c.yaml', serviceYaml('c'));
  await source.until(() => source.ports('c') !== undefined);
});

test('where the kernel gives no watch, changes are found by looking, with a warning', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a'));
  const watch = () => {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  };
  await using source = await follow(folder.path, { watch, pollMilliseconds: 20 });
  assert.deepEqual(source.ports('a'), [80]);
  assert.equal(source.problems()[0]?.severity, 'warning');
  assert.match(source.problems()[0]?.rule ?? '', /max_user_watches/);
  folder.write('a.yaml', serviceYaml('a', 81));
  folder.write('x/b.yaml', serviceYaml('b'));
  await source.until(() => source.ports('a')?.[0] === 81 && source.ports('b') !== undefined);
  folder.remove('x');
  await source.until(() => source.ports('b') === undefined);
  folder.write('.status/services/shop/a.json', serviceStatusJson('a', '192.0.2.1'));
  await source.until(() => source.world.services.get('shop/a')?.allocated.addresses.length === 1);
});

test('a start in a folder that is not there yet waits for it', async () => {
  using parent = new TemporaryFolder();
  const starting = follow(join(parent.path, 'later'), { pollMilliseconds: 20 });
  await sleep(50);
  parent.write('later/a.yaml', serviceYaml('a'));
  await using source = await starting;
  await source.until(() => source.ports('a') !== undefined && source.problems().length === 0);
});

test('a source that is disposed while it reads leaves no watch behind', async () => {
  using folder = new TemporaryFolder();
  for (let index = 0; index < 20; index++) folder.write(`${index}/a.yaml`, serviceYaml(`a${index}`));
  const source = folderSource({ directory: folder.path });
  const started = source.start({ batch() {}, problems() {} });
  await source[Symbol.asyncDispose]();
  await started;
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((name) => name.startsWith('FSEvent')),
    [],
  );
});

test('where nothing can be kept for a restart, a warning says so', async () => {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', serviceYaml('a'));
  folder.write('.status/last-good', 'a file where a folder should be');
  await using source = await follow(folder.path, { keepLastGood: true });
  folder.write('a.yaml', serviceYaml('a', 99_999));
  await source.until(() => source.problems().some(({ severity }) => severity === 'warning'));
  assert.deepEqual(source.ports('a'), [80]);
  folder.remove('.status/last-good');
  folder.write('a.yaml', serviceYaml('a', 99_998));
  await source.until(() => source.problems().every(({ severity }) => severity === 'error'));
  assert.equal(source.problems().length, 1);
});
