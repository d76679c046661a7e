// Work in another network namespace comes home, whatever happens.
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { listLinks } from './links.ts';
import { inNetworkNamespace } from './network-namespace.ts';

const here = (): string => readlinkSync('/proc/thread-self/ns/net');

testInsideLab(import.meta.filename, () => {
  test('work sees the other namespace, and the caller its own again', async () => {
    await using lab = await createLab();
    const host = lab.host('host');
    host.ip('link add only-there type bridge');
    const home = here();
    const names = inNetworkNamespace(host.namespace, () => listLinks().map(({ name }) => name));
    assert.deepEqual(names, ['lo', 'only-there']);
    assert.equal(here(), home);
    assert.throws(
      () =>
        inNetworkNamespace(host.namespace, () => {
          assert.notEqual(here(), home);
          throw new Error('surprise');
        }),
      /surprise/,
    );
    assert.equal(here(), home);
  });

  test('a namespace that is not there is an error, and nothing moves', () => {
    const home = here();
    assert.throws(() => inNetworkNamespace('/run/netns/none', () => {}), /ENOENT/);
    assert.equal(here(), home);
  });
});
