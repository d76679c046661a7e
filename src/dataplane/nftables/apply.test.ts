// The nftables data plane on the fake kernel: what it does when the kernel refuses, is busy, or was changed by others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, parseAddress, parseCidr } from '../../model/address.ts';
import { sentence } from '../../model/reason.ts';
import type { DataPlane } from '../data-plane.ts';
import { dataPlaneSentences } from '../reason.ts';
import type { Backend, Frontend } from '../table.ts';
import { createNftablesDataPlane, type NftablesOptions } from './apply.ts';
import { endpointBytes, tableKey } from './compile.ts';
import { unpackElements } from './elements.ts';
import { type FakeNftables, fakeNftables } from './fake.ts';
import { fakeConntrack, noFlows } from './fake-conntrack.ts';
import { layoutChain, layoutOperations } from './layout.ts';
import type { Operation } from './operation.ts';
import type { CommitResult, NftablesPort } from './port.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
};

const backend = (number: number, local = false): Backend => ({
  address: address(`198.18.0.${number}`),
  port: 8080,
  local,
});

const frontend = (service: string, last: number, changes: Partial<Frontend> = {}): Frontend => ({
  address: address(`192.0.2.${last}`),
  protocol: 'TCP',
  port: 80,
  service,
  portName: '',
  policy: 'Cluster',
  outside: changes.inside ?? [backend(1), backend(2)],
  inside: [backend(1), backend(2)],
  draining: [],
  sourceRanges: undefined,
  affinity: undefined,
  ...changes,
});

const open = (port: NftablesPort, options: Partial<NftablesOptions> = {}): DataPlane =>
  createNftablesDataPlane({ port, conntrack: noFlows, graceMilliseconds: 5, ...options });

const only = (...frontends: readonly Frontend[]) =>
  new Map([...Map.groupBy(frontends, (one) => one.service)].map(([service, own]) => [service, own] as const));

const has = (fake: FakeNftables, one: Frontend): boolean =>
  fake.table?.sets.get('outside4')?.elements.has(tableKey(one)) === true;

/** The fake, and all that was committed to it, refused or not. */
function recorded(): {
  readonly fake: FakeNftables;
  readonly port: NftablesPort;
  readonly log: Operation[][];
} {
  const fake = fakeNftables();
  const log: Operation[][] = [];
  const commit = (operations: readonly Operation[]): CommitResult => {
    log.push([...operations]);
    return fake.commit(operations);
  };
  return { fake, port: { ...fake, commit, generation: () => fake.generation() }, log };
}

const concerns = (operation: Operation, one: Frontend): boolean =>
  'elements' in operation &&
  [...unpackElements(operation.elements)].some(({ key }) => key.startsWith(tableKey(one)));

const [a, b, c] = [frontend('default/a', 1), frontend('default/b', 2), frontend('default/c', 3)];

test('before the first sync nothing is changed', async () => {
  const { port, log } = recorded();
  await using dataPlane = open(port);
  const podCidr = parseCidr('198.18.0.0/24');
  assert.ok(podCidr);
  assert.deepEqual(await dataPlane.adopt(), { found: 'nothing', frontends: 0 });
  await dataPlane.setPodCidrs([podCidr]);
  assert.equal(log.length, 0);
});

test('a Service that the kernel refuses stands aside alone, is named, and is tried again', async () => {
  const fake = fakeNftables();
  await using dataPlane = open(fake);
  fake.refuse = (operation) => (concerns(operation, b) ? { code: 'ENOSPC', detail: 'full' } : undefined);
  const { failed } = await dataPlane.sync(only(a, b, c), 'everything');
  assert.deepEqual([...failed.keys()], ['default/b']);
  assert.deepEqual(
    [a, b, c].map((one) => has(fake, one)),
    [true, false, true],
  );
  const reason = failed.get('default/b');
  assert.ok(reason);
  assert.match(
    sentence(dataPlaneSentences, reason),
    /refused "add elements outside4" for Service default\/b \(ENOSPC: full\).*; it is tried again/,
  );
  fake.refuse = () => undefined;
  const audit = await dataPlane.audit('full');
  assert.deepEqual([audit.failed.size, audit.repaired, has(fake, b)], [0, 1, true]);
});

test('where the kernel blames no operation, halving finds the Service', async () => {
  const fake = fakeNftables();
  const services = Array.from({ length: 20 }, (_, index) => frontend(`default/s${index}`, index + 1));
  const bad = services[13];
  assert.ok(bad);
  const commit = (operations: readonly Operation[]): CommitResult =>
    operations.some((operation) => concerns(operation, bad))
      ? { ok: false, operation: undefined, code: 'ENOMEM', detail: '' }
      : fake.commit(operations);
  await using dataPlane = open({ ...fake, commit });
  const { failed } = await dataPlane.sync(only(...services), 'everything');
  assert.deepEqual([...failed.keys()], ['default/s13']);
  assert.deepEqual(
    services.filter((one) => has(fake, one)),
    services.filter((one) => one !== bad),
  );
});

test('a layout that the kernel refuses fails all Services in one attempt', async () => {
  const { fake, port, log } = recorded();
  await using dataPlane = open(port);
  fake.refuse = (operation) => (operation.op === 'add-table' ? { code: 'EPERM', detail: '' } : undefined);
  const { failed } = await dataPlane.sync(only(a, b, c), 'everything');
  assert.deepEqual([failed.size, log.length, fake.table], [3, 1, undefined]);
  await assert.rejects(dataPlane.setPodCidrs([]), /the kernel refused add table: EPERM/);
  fake.refuse = () => undefined;
  assert.equal((await dataPlane.sync(only(a), 'changes')).failed.size, 0);
  assert.deepEqual(
    [a, b].map((one) => has(fake, one)),
    [true, false],
  );
});

test('a kernel that is busy is asked again', async () => {
  const fake = fakeNftables();
  let busy = 2;
  const commit = (operations: readonly Operation[]): CommitResult =>
    busy-- > 0 ? { ok: false, operation: undefined, code: 'EBUSY', detail: '' } : fake.commit(operations);
  await using dataPlane = open({ ...fake, commit });
  assert.equal((await dataPlane.sync(only(a), 'everything')).failed.size, 0);
  assert.ok(has(fake, a));
});

test('a change touches its own frontend alone, and what does not change stays', async () => {
  const { port, log } = recorded();
  await using dataPlane = open(port);
  await dataPlane.sync(only(a, b, c), 'everything');
  log.length = 0;
  const inside = [backend(1), backend(3)];
  await dataPlane.sync(only({ ...b, inside, outside: inside }), 'changes');
  assert.equal(log.length, 1);
  const touched = log[0]?.map(
    (operation) => `${operation.op} ${'set' in operation ? String(operation.set) : ''}`,
  );
  assert.deepEqual(touched, [
    'delete-elements outside4-endpoints',
    'delete-elements contents4',
    'add-elements outside4-endpoints',
    'add-elements contents4',
  ]);
  for (const operation of log[0] ?? [])
    assert.ok('elements' in operation && operation.elements.count === 1 && concerns(operation, b));
  log.length = 0;
  await dataPlane.sync(only({ ...b, inside: [...inside], outside: [...inside] }), 'changes');
  assert.equal(log.length, 0);
});

test('Services with an endpoint on this node come first', async () => {
  const { port, log } = recorded();
  await using dataPlane = open(port, { transactionElements: 12 });
  const here = [backend(9, true)];
  const local = frontend('default/z', 9, { inside: here, outside: here });
  await dataPlane.sync(only(a, b, c, local), 'everything');
  const order = [a, b, c, local].map((one) =>
    log.findIndex((operations) => operations.some((operation) => concerns(operation, one))),
  );
  assert.deepEqual(order, [1, 2, 3, 0]);
});

test('a frontend that goes over to another Service is never gone', async () => {
  const fake = fakeNftables();
  const seen: boolean[] = [];
  const commit = (operations: readonly Operation[]): CommitResult => {
    const result = fake.commit(operations);
    seen.push(has(fake, a));
    return result;
  };
  await using dataPlane = open({ ...fake, commit }, { transactionElements: 1 });
  await dataPlane.sync(only(a, b), 'everything');
  const heir = { ...a, service: 'default/heir', inside: [backend(5)], outside: [backend(5)] };
  await dataPlane.sync(
    new Map([
      ['default/a', []],
      ['default/heir', [heir]],
    ]),
    'changes',
  );
  assert.deepEqual(new Set(seen), new Set([true]));
  const endpoints = fake.table?.sets.get('outside4-endpoints')?.elements.values() ?? [];
  assert.ok([...endpoints].some(({ data }) => data === endpointBytes(backend(5))));
  await dataPlane.sync(new Map([['default/heir', []]]), 'changes');
  assert.equal(has(fake, a), false);
});

test('a restart with nothing changed writes nothing but the pods’ ranges, and removes what is no longer wanted', async () => {
  const { fake, port, log } = recorded();
  const sticky = { ...a, affinity: { scope: 'a', timeoutSeconds: 60 } };
  const first = open(port);
  await first.sync(only(sticky, b), 'everything');
  await first[Symbol.asyncDispose]();

  const second = open(port);
  log.length = 0;
  assert.deepEqual(await second.adopt(), { found: 'ours', frontends: 2 });
  await second.sync(only(sticky, b), 'everything');
  assert.deepEqual(
    log.flat().map((operation) => operation.op),
    ['flush-chain', 'flush-chain'],
  );
  await second[Symbol.asyncDispose]();

  await using third = open(port);
  await third.sync(only(c), 'everything');
  await sleep(30);
  assert.deepEqual(
    [sticky, b, c].map((one) => has(fake, one)),
    [false, false, true],
  );
  assert.deepEqual(
    fake.sets().filter((set) => set.startsWith('affinity')),
    [],
  );
  assert.equal((await third.audit('full')).repaired, 0);
});

test('what an earlier process left stays as it is where the kernel refuses its change', async () => {
  const fake = fakeNftables();
  const first = open(fake);
  await first.sync(only(a, b), 'everything');
  await first[Symbol.asyncDispose]();

  await using second = open(fake);
  const changed = { ...a, outside: [backend(7)], inside: [backend(7)] };
  fake.refuse = (operation) => (concerns(operation, a) ? { code: 'ENOMEM', detail: '' } : undefined);
  const { failed } = await second.sync(only(changed), 'everything');
  assert.deepEqual([...failed.keys()], ['default/a']);
  assert.deepEqual(
    [a, b].map((one) => has(fake, one)),
    [true, false],
  );
  fake.refuse = () => undefined;
  assert.equal((await second.sync(only(changed), 'changes')).failed.size, 0);
  assert.equal((await second.audit('full')).repaired, 0);
});

test('a large change stops at once where a stranger took the table, and is done from the beginning', async () => {
  const { fake, port, log } = recorded();
  await using dataPlane = open(port, { transactionElements: 1 });
  const services = Array.from({ length: 30 }, (_, index) => frontend(`default/s${index}`, index + 1));
  await dataPlane.sync(only(...services), 'everything');
  fake.commit([{ op: 'delete-table' }]);
  log.length = 0;
  const inside = [backend(8)];
  const changed = services.map((one) => ({ ...one, inside, outside: inside }));
  assert.equal((await dataPlane.sync(only(...changed), 'changes')).failed.size, 0);
  assert.equal(log.length, 1 + services.length);
  assert.ok(services.every((one) => has(fake, one)));
});

test('a table of another layout is replaced in the transaction that brings the first Services', async () => {
  const { fake, port, log } = recorded();
  const other = layoutOperations.map((operation) =>
    operation.op === 'add-chain' && operation.chain === layoutChain
      ? { ...operation, chain: 'layout-of-another-version' }
      : operation,
  );
  assert.ok(fake.commit(other).ok);
  await using dataPlane = open(port);
  assert.equal((await dataPlane.adopt()).found, 'another layout');
  await dataPlane.sync(only(a), 'everything');
  assert.equal(log.length, 1);
  assert.equal(log[0]?.[0]?.op, 'delete-table');
  assert.ok(has(fake, a) && fake.table?.chains.has(layoutChain));
});

test('an affinity scope goes a while after its last use, unless it is used again', async () => {
  const fake = fakeNftables();
  await using dataPlane = open(fake, { graceMilliseconds: 40 });
  const scopes = () => fake.sets().filter((set) => set.startsWith('affinity')).length;
  const sticky = { ...a, affinity: { scope: 'a', timeoutSeconds: 60 } };
  await dataPlane.sync(only(sticky), 'everything');
  await dataPlane.sync(only(a), 'changes');
  assert.equal(scopes(), 1);
  await dataPlane.sync(only(sticky), 'changes');
  await sleep(100);
  assert.equal(scopes(), 1);
  // Another timeout has another chain, and the same map.
  await dataPlane.sync(only({ ...a, affinity: { scope: 'a', timeoutSeconds: 90 } }), 'changes');
  await sleep(100);
  assert.equal(scopes(), 1);
  const chains = [...(fake.chains()?.keys() ?? [])].filter((chain) => /^remember4-.*-\d+$/.test(chain));
  assert.match(chains.join(), /^remember4-\w+-90$/);
  await dataPlane.sync(new Map([['default/a', []]]), 'changes');
  await sleep(100);
  assert.equal(scopes(), 0);
});

test('an affinity scope goes even where it was unused twice in the time that it is left, by two time-outs', async () => {
  const fake = fakeNftables();
  await using dataPlane = open(fake, { graceMilliseconds: 40 });
  for (const timeoutSeconds of [60, 90]) {
    await dataPlane.sync(only({ ...a, affinity: { scope: 'a', timeoutSeconds } }), 'changes');
    await dataPlane.sync(new Map([['default/a', []]]), 'changes');
  }
  await sleep(200);
  assert.deepEqual(
    fake.sets().filter((set) => set.startsWith('affinity')),
    [],
  );
});

test('a stranger’s transaction makes a quick audit look, and damage is repaired', async () => {
  const fake = fakeNftables();
  await using dataPlane = open(fake);
  await dataPlane.sync(only(a, b), 'everything');
  assert.equal((await dataPlane.audit('quick')).read, false);
  fake.commit([]);
  const looked = await dataPlane.audit('quick');
  assert.deepEqual([looked.read, looked.repaired], [true, 0]);

  fake.setElements('outside4-endpoints', new Map());
  const repaired = await dataPlane.audit('full');
  assert.equal(repaired.repaired, 2);
  assert.equal(fake.table?.sets.get('outside4-endpoints')?.elements.size, 4);

  fake.commit([{ op: 'delete-table' }]);
  // The change runs into what is missing, and brings all of it back.
  assert.equal((await dataPlane.sync(only(c), 'changes')).failed.size, 0);
  assert.deepEqual(
    [a, b, c].map((one) => has(fake, one)),
    [true, true, true],
  );
});

test('UDP flows end with their endpoint and with their frontend; others, and TCP, live', async () => {
  const udp = { ...a, protocol: 'UDP' as const };
  const flow = (to: Frontend, endpoint: Backend | Frontend) => ({
    destination: endpointBytes(to),
    endpoint: endpointBytes(endpoint),
  });
  const toFirst = flow(udp, backend(1));
  const toSecond = flow(udp, backend(2));
  const untranslated = flow(udp, udp);
  const toOther = flow(b, backend(1));
  const conntrack = fakeConntrack([toFirst, toSecond, untranslated, toOther]);
  await using dataPlane = open(fakeNftables(), { conntrack });

  assert.equal((await dataPlane.sync(only(udp, b), 'everything')).flowsEnded, 1);
  assert.ok(!conntrack.flows.has(untranslated));
  const draining = { ...udp, outside: [backend(2)], inside: [backend(2)], draining: [backend(1)] };
  assert.equal((await dataPlane.sync(only(draining), 'changes')).flowsEnded, 0);
  assert.equal((await dataPlane.sync(only({ ...draining, draining: [] }), 'changes')).flowsEnded, 1);
  assert.deepEqual(conntrack.flows, new Set([toSecond, toOther]));
  await dataPlane.sync(
    new Map([
      ['default/a', []],
      ['default/b', []],
    ]),
    'changes',
  );
  assert.deepEqual(conntrack.flows, new Set([toOther]));
});

test('flows that went stale while nobody was there end at the next start', async () => {
  const fake = fakeNftables();
  const udp = { ...a, protocol: 'UDP' as const };
  const first = open(fake);
  await first.sync(only(udp), 'everything');
  await first[Symbol.asyncDispose]();
  const stale = { destination: endpointBytes(udp), endpoint: endpointBytes(backend(2)) };
  const good = { destination: endpointBytes(udp), endpoint: endpointBytes(backend(1)) };
  const conntrack = fakeConntrack([stale, good]);
  await using second = open(fake, { conntrack });
  await second.sync(only({ ...udp, outside: [backend(1)], inside: [backend(1)] }), 'everything');
  assert.deepEqual(conntrack.flows, new Set([good]));
});

test('where connection tracking fails, Services are served all the same, and it is said', async () => {
  const conntrack = {
    ...noFlows,
    udpFlows: () => {
      throw new Error('EPERM');
    },
  };
  const fake = fakeNftables();
  await using dataPlane = open(fake, { conntrack });
  const udp = { ...a, protocol: 'UDP' as const };
  const { failed, flowsProblem } = await dataPlane.sync(only(udp), 'everything');
  assert.equal(failed.size, 0);
  assert.ok(has(fake, udp));
  assert.ok(flowsProblem);
  assert.match(sentence(dataPlaneSentences, flowsProblem), /EPERM.*nf_conntrack_netlink$/);
});

test('cleanup removes the table, twice if need be, and a new sync begins anew', async () => {
  const fake = fakeNftables();
  await using dataPlane = open(fake);
  await dataPlane.sync(only(a), 'everything');
  await dataPlane.cleanup();
  await dataPlane.cleanup();
  assert.equal(fake.table, undefined);
  await dataPlane.sync(only(b), 'everything');
  assert.deepEqual(
    [a, b].map((one) => has(fake, one)),
    [false, true],
  );
});
