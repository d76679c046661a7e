// Status files: whole at every moment, the last write wins, and nothing but names becomes a path.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poolStatus, serviceL2Status, serviceL2StatusName, serviceStatus } from '../api/status.ts';
import { parseAddress } from '../model/address.ts';
import type { StatusObject } from '../model/status.ts';
import { TemporaryFolder } from './folder-fixture.ts';
import { folderStatus, readStatus } from './folder-status.ts';

function serviceWith(...addresses: string[]): StatusObject {
  const parsed = addresses.flatMap((text) => parseAddress(text) ?? []);
  const allocated = { addresses: parsed, pool: 'public' };
  return serviceStatus({ namespace: 'shop', name: 'web', allocated, conditions: [] });
}

const filesOf = (folder: TemporaryFolder) =>
  readdirSync(join(folder.path, '.status'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.path.length + 1))
    .sort();

const counts = { assignedIPv4: 1n, assignedIPv6: 0n, availableIPv4: 2n, availableIPv6: 0n };

test('each status has a file of its own, by kind, namespace and name', async () => {
  using folder = new TemporaryFolder();
  const port = folderStatus(folder.path);
  await port.put(serviceWith('192.0.2.1'));
  await port.put(poolStatus({ namespace: undefined, name: 'public', ...counts }));
  await port.put(
    serviceL2Status({
      node: 'n.example',
      namespace: 'shop',
      name: 'web',
      interfaces: ['eth0'],
      why: 'Elected.',
    }),
  );
  assert.deepEqual(filesOf(folder), [
    '.status/ipaddresspools/public.json',
    '.status/servicel2statuses/n.example/shop/web.json',
    '.status/services/shop/web.json',
  ]);
  await port.remove('ServiceL2Status', '', serviceL2StatusName('n.example', 'shop', 'web'));
  await port.remove('IPAddressPool', '', 'public');
  await port.remove('Service', 'shop', 'web');
  await port.remove('Service', 'shop', 'web');
  assert.deepEqual(filesOf(folder), []);
});

test('what was written is read back', async () => {
  using folder = new TemporaryFolder();
  const status = serviceWith('192.0.2.1', '2001:db8::1');
  await folderStatus(folder.path).put(status);
  assert.deepEqual(await readStatus(folder.path, 'Service'), {
    objects: [JSON.parse(JSON.stringify(status))],
    problems: [],
  });
  assert.deepEqual(await readStatus(folder.path, 'IPAddressPool'), { objects: [], problems: [] });
});

test('of many writes at once the last one stands, and readers never see a torn file', async () => {
  using folder = new TemporaryFolder();
  const port = folderStatus(folder.path);
  await port.put(serviceWith('192.0.2.0'));
  let isWriting = true;
  const writes = Array.from({ length: 100 }, (_, index) => port.put(serviceWith(`192.0.2.${index}`)));
  const written = Promise.all(writes).then(() => {
    isWriting = false;
  });
  let reads = 0;
  while (isWriting) {
    const { objects, problems } = await readStatus(folder.path, 'Service');
    assert.equal(objects.length, 1);
    assert.deepEqual(problems, []);
    reads++;
  }
  await written;
  assert.ok(reads > 0);
  const { objects } = await readStatus(folder.path, 'Service');
  assert.match(JSON.stringify(objects), /"192\.0\.2\.99"/);
  assert.deepEqual(filesOf(folder), ['.status/services/shop/web.json'], 'no temporary file is left');
});

test('a removal that follows a write is carried out last, and the other way round', async () => {
  using folder = new TemporaryFolder();
  const port = folderStatus(folder.path);
  await Promise.all([port.put(serviceWith('192.0.2.1')), port.remove('Service', 'shop', 'web')]);
  assert.deepEqual(filesOf(folder), []);
  await Promise.all([port.remove('Service', 'shop', 'web'), port.put(serviceWith('192.0.2.1'))]);
  assert.deepEqual(filesOf(folder), ['.status/services/shop/web.json']);
});

test('an unchanged status is not written again', async () => {
  using folder = new TemporaryFolder();
  await folderStatus(folder.path).put(serviceWith('192.0.2.1'));
  const path = join(folder.path, '.status/services/shop/web.json');
  const before = statSync(path).ino;
  await folderStatus(folder.path).put(serviceWith('192.0.2.1'));
  assert.equal(statSync(path).ino, before);
  await folderStatus(folder.path).put(serviceWith('192.0.2.2'));
  assert.match(readFileSync(path, 'utf8'), /192\.0\.2\.2/);
});

test('a name that is none never becomes a path', async () => {
  using folder = new TemporaryFolder();
  const port = folderStatus(folder.path);
  for (const name of ['../x', '..', '', 'a/b', '/etc/passwd', 'a\0']) {
    await assert.rejects(port.put(poolStatus({ namespace: undefined, name, ...counts })), RangeError, name);
    await assert.rejects(port.remove('Service', name || '..', 'web'), RangeError, name);
  }
  assert.deepEqual(readdirSync(folder.path), []);
});

test('a failed write rejects with its cause, and the next one is tried', async () => {
  using folder = new TemporaryFolder();
  folder.write('.status/services', 'a file where a folder should be');
  const port = folderStatus(folder.path);
  await assert.rejects(port.put(serviceWith('192.0.2.1')));
  folder.remove('.status/services');
  await port.put(serviceWith('192.0.2.1'));
  assert.deepEqual(filesOf(folder), ['.status/services/shop/web.json']);
});

test('broken status files are named, the others are read', async () => {
  using folder = new TemporaryFolder();
  await folderStatus(folder.path).put(serviceWith('192.0.2.1'));
  folder.write('.status/services/shop/torn.json', '{"kind": ');
  folder.write('.status/services/shop/odd.json', '[]');
  const { objects, problems } = await readStatus(folder.path, 'Service');
  assert.equal(objects.length, 1);
  assert.deepEqual(
    problems.map(({ file }) => file),
    ['.status/services/shop/odd.json', '.status/services/shop/torn.json'],
  );
});
