// The interpreter, which all compilers are held to, by examples that one can check by eye.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, formatAddress, parseAddress, parseCidr } from '../model/address.ts';
import { type AffinityState, decide, forgetWithdrawn, type Packet, remember } from './interpret.ts';
import { type Backend, type ForwardingTable, type Frontend, frontendKey } from './table.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
};
const cidr = (text: string) => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed;
};

const here: Backend = { address: address('198.18.0.1'), port: 8080, local: true };
const there: Backend = { address: address('198.18.1.1'), port: 8080, local: false };
const onNode: Backend = { address: address('198.51.100.1'), port: 8080, local: true };

const frontend = (changes: Partial<Frontend>): Frontend => ({
  address: address('192.0.2.10'),
  protocol: 'TCP',
  port: 80,
  service: 'default/web',
  portName: '',
  policy: 'Cluster',
  outside: [here, there],
  inside: [here, there],
  draining: [],
  sourceRanges: undefined,
  affinity: undefined,
  ...changes,
});

const table = (...frontends: readonly Frontend[]): ForwardingTable => ({
  node: { addresses: [address('198.51.100.1')], podCidrs: [cidr('198.18.0.0/24')] },
  frontends: new Map(frontends.map((one) => [frontendKey(one), one])),
});

const packet = (changes: Partial<Packet> = {}): Packet => ({
  from: 'network',
  source: address('203.0.113.5'),
  destination: address('192.0.2.10'),
  protocol: 'TCP',
  destinationPort: 80,
  ...changes,
});
const fromPod = packet({ source: address('198.18.0.1') });
const fromNode = packet({ from: 'node', source: address('198.51.100.1') });

const decided = (of: ForwardingTable, one: Packet, state: AffinityState = new Map(), now = 0): string[] =>
  decide(of, state, one, now).map((outcome) =>
    outcome.kind === 'forward'
      ? `${formatAddress(outcome.backend.address)} sees the ${outcome.source}`
      : outcome.kind,
  );

test('under Cluster everyone reaches all, masqueraded', () => {
  const expected = ['198.18.0.1 sees the node', '198.18.1.1 sees the node'];
  for (const one of [packet(), fromPod, fromNode])
    assert.deepEqual(decided(table(frontend({})), one), expected);
});

test('what is delivered on the node itself is not masqueraded', () => {
  const served = table(frontend({ outside: [onNode], inside: [onNode] }));
  assert.deepEqual(decided(served, packet()), ['198.51.100.1 sees the client']);
});

test('under Local outside traffic stays here and keeps its source; a pod keeps it too unless it meets itself', () => {
  const local = table(frontend({ policy: 'Local', outside: [here] }));
  assert.deepEqual(decided(local, packet()), ['198.18.0.1 sees the client']);
  assert.deepEqual(decided(local, fromPod), ['198.18.0.1 sees the node', '198.18.1.1 sees the client']);
  assert.deepEqual(decided(local, fromNode), ['198.18.0.1 sees the node', '198.18.1.1 sees the node']);
});

test('nobody anywhere is a rejection, nobody here a drop', () => {
  assert.deepEqual(decided(table(frontend({ outside: [], inside: [] })), packet()), ['reject']);
  assert.deepEqual(decided(table(frontend({ policy: 'Local', outside: [] })), packet()), ['drop']);
});

test('our addresses answer pings and reject what no Service has; others are left alone', () => {
  const served = table(frontend({}));
  assert.deepEqual(decided(served, packet({ protocol: 'echo-request' })), ['echo']);
  assert.deepEqual(decided(served, packet({ protocol: 'UDP' })), ['reject']);
  assert.deepEqual(decided(served, packet({ destinationPort: 81 })), ['reject']);
  assert.deepEqual(decided(served, packet({ protocol: 'other' })), ['reject']);
  assert.deepEqual(decided(served, packet({ destination: address('192.0.2.11') })), ['pass']);
});

test('an address that the node has itself answers for its other ports itself', () => {
  const own = table(frontend({ address: address('198.51.100.1') }));
  const to = { destination: address('198.51.100.1') };
  assert.deepEqual(decided(own, packet({ ...to, destinationPort: 22 })), ['pass']);
  assert.equal(decided(own, packet(to)).length, 2);
});

test('source ranges drop whom they do not name, before anything else is decided', () => {
  const filtered = table(frontend({ sourceRanges: [cidr('203.0.113.0/24')], outside: [], inside: [] }));
  assert.deepEqual(decided(filtered, packet()), ['reject']);
  assert.deepEqual(decided(filtered, fromPod), ['drop']);
  assert.deepEqual(decided(table(frontend({ sourceRanges: [] })), packet()), ['drop']);
});

test('a client is kept until its time is over, each connection beginning it anew, or its backend is withdrawn', () => {
  const affinity = { scope: 'web', timeoutSeconds: 10 };
  const sticky = table(frontend({ affinity }));
  const outcome = { kind: 'forward', backend: there, source: 'node' } as const;
  const kept = remember(sticky, new Map(), packet(), outcome, 100);
  assert.deepEqual(decided(sticky, packet(), kept, 109), ['198.18.1.1 sees the node']);
  assert.equal(decided(sticky, packet(), kept, 110).length, 2);
  const again = remember(sticky, kept, packet(), outcome, 109);
  assert.equal(decided(sticky, packet(), again, 118).length, 1);
  assert.equal(decided(sticky, fromPod, kept, 101).length, 2);

  const withdrawn = table(frontend({ affinity, outside: [here], inside: [here] }));
  assert.deepEqual(decided(withdrawn, packet(), kept, 101), ['198.18.0.1 sees the node']);
  assert.equal(decided(sticky, packet(), forgetWithdrawn(withdrawn, kept), 101).length, 2);
  assert.equal(decided(sticky, packet(), forgetWithdrawn(sticky, kept), 101).length, 1);
});
