// What is known of FRR without running it: that it is missing, and how its table reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingFrr } from './frr.ts';
import { fibNextHops } from './frr-bgp.ts';

test('without FRR it is said what is missing, and what to do', () => {
  assert.equal(
    missingFrr(() => true),
    undefined,
  );
  assert.match(missingFrr((path) => !path.endsWith('bfdd')) ?? '', /\(no \/usr\/lib\/frr\/bfdd\): apt-get/);
  assert.match(missingFrr(() => false) ?? '', /zebra, .*bgpd, .*vtysh/);
});

test('next hops are those of the selected BGP route that the kernel has', () => {
  const nexthops = [{ ip: '192.0.2.12', fib: true }, { ip: '192.0.2.11', fib: true }, { ip: '192.0.2.13' }];
  const other = { protocol: 'static', selected: true, nexthops: [{ ip: '192.0.2.99', fib: true }] };
  const unselected = { protocol: 'bgp', nexthops: [{ ip: '192.0.2.98', fib: true }] };
  const table = { '203.0.113.10/32': [{ protocol: 'bgp', selected: true, nexthops }, other, unselected] };
  assert.deepEqual(fibNextHops(table), ['192.0.2.11', '192.0.2.12']);
  assert.deepEqual(fibNextHops({}), []);
});
