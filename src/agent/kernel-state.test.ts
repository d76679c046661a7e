// Tests of what is remembered of the kernel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frontend } from '../dataplane/table.ts';
import { formatAddress } from '../model/address.ts';
import { createKernelState } from './kernel-state.ts';
import { address } from './test-world.ts';

function frontend(text: string, ...backends: readonly (readonly [string, 'local' | 'remote'])[]): Frontend {
  const list = backends.map(([backend, where]) => ({
    address: address(backend),
    port: 8080,
    local: where === 'local',
  }));
  return {
    address: address(text),
    protocol: 'TCP',
    port: 80,
    service: 'web/a',
    portName: '',
    policy: 'Cluster',
    outside: list,
    inside: list,
    draining: [],
    sourceRanges: undefined,
    affinity: undefined,
  };
}

const start = () => createKernelState((own) => formatAddress(own) === '198.51.100.1');
const refused = { kind: 'kernel-refused', service: 'web/a', operation: 'add', error: 'ENOMEM' } as const;

test('frontends are counted by what each Service has now', () => {
  const state = start();
  state.done('web/a', [frontend('192.0.2.1'), frontend('192.0.2.2')], undefined);
  state.done('web/b', [frontend('192.0.2.3')], undefined);
  assert.equal(state.frontends, 3);
  state.done('web/a', [frontend('192.0.2.1')], undefined);
  assert.equal(state.frontends, 2);
  state.forget('web/a');
  assert.deepEqual(
    [state.frontends, state.isForwarded('web/a'), state.isForwarded('web/b')],
    [1, false, true],
  );
});

test('a Service that fails stays as it was, and fails until it succeeds', () => {
  const state = start();
  state.done('web/a', [frontend('192.0.2.1')], refused);
  assert.deepEqual([state.isForwarded('web/a'), state.failures.size, state.frontends], [false, 1, 0]);
  state.done('web/a', [frontend('192.0.2.1')], undefined);
  assert.deepEqual([state.isForwarded('web/a'), state.failures.size], [true, 0]);
  state.done('web/a', [], refused);
  assert.deepEqual([state.isForwarded('web/a'), state.failures.size, state.frontends], [true, 1, 1]);
});

test('packets leave the host unless all backends are the host itself', () => {
  const state = start();
  state.done('web/a', [frontend('192.0.2.1', ['198.51.100.1', 'remote'])], undefined); // whatever its slice says
  assert.deepEqual([state.leavesHost('IPv4'), state.leavesHost('IPv6')], [false, false]);
  state.done('web/b', [frontend('192.0.2.2', ['203.0.113.1', 'local'])], undefined); // a pod of this node
  state.done('web/c', [frontend('2001:db8::2', ['2001:db8::1', 'remote'])], undefined);
  assert.deepEqual([state.leavesHost('IPv4'), state.leavesHost('IPv6')], [true, true]);
  state.forget('web/b');
  state.done('web/c', [frontend('2001:db8::2')], undefined);
  assert.deepEqual([state.leavesHost('IPv4'), state.leavesHost('IPv6')], [false, false]);
});
