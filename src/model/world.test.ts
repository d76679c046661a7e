// The World: what a batch touches, and that slices stay indexed by their Service.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from './endpoint-slice.ts';
import { applyBatch, emptyWorld } from './world.ts';

const slice = (service: string): EndpointSlice => ({
  key: 'shop/web-1',
  service,
  family: 'IPv4',
  ports: [],
  endpoints: [],
  healthCheck: undefined,
});

test('a slice that changes its Service touches both and is found under the new one alone', () => {
  const world = emptyWorld();
  const put = (object: EndpointSlice | undefined) =>
    applyBatch(world, { changes: [{ kind: 'EndpointSlice', key: 'shop/web-1', object }], complete: true });
  assert.deepEqual([...put(slice('shop/web')).endpoints], ['shop/web']);
  assert.deepEqual([...put(slice('shop/api')).endpoints], ['shop/web', 'shop/api']);
  assert.equal(world.slicesOfService.has('shop/web'), false);
  assert.equal(world.slicesOfService.get('shop/api')?.size, 1);
  assert.deepEqual([...put(undefined).endpoints], ['shop/api']);
  assert.equal(world.slicesOfService.size, 0);
});

test('the World becomes complete once', () => {
  const world = emptyWorld();
  assert.equal(applyBatch(world, { changes: [], complete: false }).becameComplete, false);
  assert.equal(applyBatch(world, { changes: [], complete: true }).becameComplete, true);
  assert.equal(applyBatch(world, { changes: [], complete: true }).becameComplete, false);
  assert.equal(world.complete, true);
});
