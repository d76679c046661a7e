// Tests of the index of Services by the nodes of their endpoints, against a scan of all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../model/address.ts';
import type { EndpointSlice } from '../model/endpoint-slice.ts';
import { createEndpointNodes } from './endpoint-nodes.ts';

function slice(nodes: readonly (string | undefined)[]): EndpointSlice {
  const address = parseAddress('198.51.100.1');
  assert.ok(address !== undefined);
  return {
    key: 'web/web-1',
    service: 'web/web',
    family: 'IPv4',
    ports: [],
    endpoints: nodes.map((nodeName) => ({
      address,
      ready: true,
      serving: true,
      terminating: false,
      nodeName,
      zone: undefined,
    })),
    healthCheck: undefined,
  };
}

test('after any updates the index is what a scan of all slices finds', () => {
  const node = fc.constantFrom('a', 'b', 'c', undefined);
  const update = fc.record({
    service: fc.constantFrom('s/1', 's/2', 's/3'),
    slices: fc.array(fc.array(node, { maxLength: 3 }), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.array(update, { maxLength: 20 }), (updates) => {
      const index = createEndpointNodes();
      const current = new Map<string, readonly (readonly (string | undefined)[])[]>();
      for (const { service, slices } of updates) {
        index.update(service, slices.map(slice));
        current.set(service, slices);
      }
      for (const name of ['a', 'b', 'c']) {
        const expected = [...current].filter(([, slices]) => slices.flat().includes(name));
        assert.deepEqual([...index.servicesOn(name)].sort(), expected.map(([service]) => service).sort());
      }
    }),
  );
});
