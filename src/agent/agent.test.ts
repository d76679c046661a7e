// Tests of the whole agent: objects in; kernel, pulse's table, statuses and events out. Pulse is a fake on a real socket.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readNodeReport } from '../api/node-report.ts';
import type { StatusObject } from '../model/status.ts';
import type { Change } from '../model/world.ts';
import { silentLog } from '../observe/log.ts';
import { Registry } from '../observe/prometheus.ts';
import { connectPulse } from '../pulse/client.ts';
import type { SourceListener } from '../sources/source.ts';
import { createAgent } from './agent.ts';
import { stopPulse } from './cleanup.ts';
import { createTestDataPlane, type TestDataPlane } from './test-data-plane.ts';
import { startTestPulse } from './test-pulse.ts';
import { advertisement, type FixtureEndpoint, node, pool, service, slice } from './test-world.ts';

const base = [pool(), advertisement(), node('node-1', ['198.51.100.1']), node('node-2', ['198.51.100.2'])];
const both: readonly FixtureEndpoint[] = [{ node: 'node-1' }, { node: 'node-2' }];
const web = (name: string, address: string, endpoints = both): Change[] => [
  service(name, [address]),
  slice(name, endpoints),
];

const noListeners = () => ({ keepOpen: () => {}, send: () => {}, [Symbol.dispose]: () => {} });

interface StartOptions {
  readonly socket: string;
  readonly dataPlane?: TestDataPlane;
  readonly reportedBefore?: readonly string[];
}

/** An agent of node-1; its statuses are kept by kind and name. */
function startAgent(
  t: TestContext,
  { socket, dataPlane = createTestDataPlane(), reportedBefore = [] }: StartOptions,
) {
  const statuses = new Map<string, StatusObject>();
  const events: string[] = [];
  const stop = new AbortController();
  let listener: SourceListener | undefined;
  const registry = new Registry();
  const agent = createAgent(
    {
      node: 'node-1',
      version: '1.2.3',
      source: {
        async start(toldTo) {
          listener = toldTo;
        },
        async [Symbol.asyncDispose]() {
          listener = undefined;
        },
      },
      status: {
        advice: '',
        async put(object) {
          statuses.set(`${object.kind} ${object.metadata.name}`, object);
        },
        async remove(kind, _namespace, name) {
          statuses.delete(`${kind} ${name}`);
        },
      },
      events: { record: ({ reason, name, message }) => events.push(`${reason} ${name}: ${message}`) },
      dataPlane,
      connectPulse: (handlers) => connectPulse(socket, handlers),
      keyFile: '/nowhere/key',
      isOurs: ({ loadBalancerClass }) => loadBalancerClass === undefined,
      isAlone: false,
      reportIntervalSeconds: 10,
      probing: { listLinks: () => [], openListeners: noListeners },
      reportedBefore: Promise.resolve(reportedBefore),
      host: {
        readProcFacts: async () => ({
          ipv4Forwarding: false,
          ipv6Forwarding: true,
          rpFilter: new Map(),
          arpIgnore: 0,
          conntrack: undefined,
          capabilities: undefined,
        }),
        readForwardChains: async () => [],
      },
      bgp: {
        reportedBefore: Promise.resolve([]),
        restartMarker: { isSet: false, set() {} },
        discards: { want() {} },
        openLinks: () => ({ interfaces: {}, follow() {}, [Symbol.dispose]() {} }),
        listenPort: undefined,
      },
      trimMemory() {},
      log: silentLog,
      registry,
    },
    stop.signal,
  );
  const ended = agent.run();
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
  };
  t.after(end);
  const batch = (...changes: readonly Change[]): void => listener?.batch({ changes, complete: true });
  const report = () => {
    const object = statuses.get('NodeReport node-1');
    return object === undefined ? undefined : readNodeReport(JSON.parse(JSON.stringify(object)));
  };
  return { agent, dataPlane, statuses, events, registry, batch, report, end, listener: () => listener };
}

/** Waits until it holds; what takes longer than ten seconds never comes. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function socketPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-agent-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'pulse.sock');
}

test('a Service is forwarded, announced and reported, and so is its end', async (t) => {
  const socket = socketPath(t);
  await using pulse = await startTestPulse(socket);
  const { agent, dataPlane, statuses, batch } = startAgent(t, { socket });
  assert.equal(agent.notReady(), 'The objects are not read yet.');
  batch(...base, ...web('a', '192.0.2.1'));
  await until('announced', () => pulse.table.has('192.0.2.1'));
  assert.deepEqual(dataPlane.table(), ['192.0.2.1 TCP 80 → 1:8080,2:8080']);
  assert.deepEqual(pulse.members, [
    { name: 'node-1', addresses: ['198.51.100.1'] },
    { name: 'node-2', addresses: ['198.51.100.2'] },
  ]);
  await until('ready', () => agent.notReady() === undefined);
  pulse.setDead('node-2');
  await until('reported', () => statuses.has('ServiceL2Status l2-node-1.web.a'));
  batch({ ...service('a', []), object: undefined });
  await until('taken back', () => !statuses.has('ServiceL2Status l2-node-1.web.a'));
  await until('out of the kernel', () => dataPlane.table().length === 0);
  assert.equal(pulse.table.size, 0);
});

test('before the first list is whole, nothing is touched', async (t) => {
  const socket = socketPath(t);
  await using pulse = await startTestPulse(socket, { node: 'node-1', addresses: ['192.0.2.1'] });
  const { dataPlane, statuses, listener } = startAgent(t, { socket });
  listener()?.batch({ changes: [...base, ...web('b', '192.0.2.2')], complete: false });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([dataPlane.syncs, pulse.announcements, [...statuses.keys()]], [[], [], []]);
});

test('when a node dies, its endpoints leave at once, and they return with it', async (t) => {
  const socket = socketPath(t);
  await using pulse = await startTestPulse(socket);
  const { dataPlane, batch } = startAgent(t, { socket });
  batch(...base, ...web('a', '192.0.2.1'), ...web('b', '192.0.2.2', [{ node: 'node-1' }]));
  await until('announced', () => pulse.table.size === 2);
  const syncs = dataPlane.syncs.length;
  pulse.setDead('node-2');
  await until('without node-2', () => dataPlane.table()[0] === '192.0.2.1 TCP 80 → 1:8080');
  assert.deepEqual(dataPlane.syncs.slice(syncs), [1]);
  pulse.setDead();
  await until('with node-2', () => dataPlane.table()[0] === '192.0.2.1 TCP 80 → 1:8080,2:8080');
});

test('an address is not announced before its packets are forwarded', async (t) => {
  const socket = socketPath(t);
  await using pulse = await startTestPulse(socket);
  const held = Promise.withResolvers<void>();
  const dataPlane = createTestDataPlane();
  dataPlane.hold = held.promise;
  const { batch } = startAgent(t, { socket, dataPlane });
  batch(...base, ...web('a', '192.0.2.1'));
  await until('told pulse the empty table', () => pulse.announcements.length > 0);
  assert.equal(pulse.table.size, 0);
  dataPlane.hold = undefined;
  held.resolve();
  await until('announced', () => pulse.table.has('192.0.2.1'));
});

test('a restarted agent adopts: pulse keeps its answers until the whole table is known', async (t) => {
  const socket = socketPath(t);
  const before = ['192.0.2.1', '192.0.2.9'];
  await using pulse = await startTestPulse(socket, { node: 'node-1', addresses: before });
  const held = Promise.withResolvers<void>();
  const dataPlane = createTestDataPlane('ours');
  dataPlane.hold = held.promise;
  const { statuses, events, batch } = startAgent(t, {
    socket,
    dataPlane,
    reportedBefore: ['web/a', 'web/gone'],
  });
  batch(...base, ...web('a', '192.0.2.1', [{ node: 'node-1' }]));
  await until('the kernel is being told', () => dataPlane.syncs.length > 0);
  assert.deepEqual([...pulse.table.keys()], before);
  dataPlane.hold = undefined;
  held.resolve();
  await until('the rest is gone', () => !pulse.table.has('192.0.2.9'));
  assert.deepEqual(pulse.announcements, [true]);
  assert.ok(pulse.table.has('192.0.2.1'));
  assert.ok(!statuses.has('ServiceL2Status l2-node-1.web.gone'));
  assert.deepEqual(events, []);
});

test('a pulse that comes back is told everything again', async (t) => {
  const socket = socketPath(t);
  const { agent, batch } = startAgent(t, { socket });
  {
    await using pulse = await startTestPulse(socket);
    batch(...base, ...web('a', '192.0.2.1'));
    await until('announced', () => pulse.table.size === 1);
    pulse.hangUp();
  }
  await until('unready', () => agent.notReady()?.startsWith('Pulse is not connected') === true);
  batch(...web('b', '192.0.2.2'));
  await using pulse = await startTestPulse(socket);
  await until('announced again', () => pulse.table.size === 2);
  assert.equal(pulse.members.length, 2);
});

test('at its end the agent leaves the kernel and pulse as they are', async (t) => {
  const socket = socketPath(t);
  await using pulse = await startTestPulse(socket);
  const { dataPlane, batch, end, listener } = startAgent(t, { socket });
  batch(...base, ...web('a', '192.0.2.1'));
  await until('announced', () => pulse.table.size === 1);
  await end();
  assert.deepEqual([dataPlane.services.size, pulse.table.size, pulse.isStopped], [1, 1, false]);
  assert.deepEqual([dataPlane.isDisposed, listener()], [true, undefined]);
});

test('the report tells about pulse, kernel and host', async (t) => {
  const socket = socketPath(t);
  await using pulse = await startTestPulse(socket);
  const dataPlane = createTestDataPlane();
  dataPlane.refused.add('web/b');
  const { events, batch, report, registry } = startAgent(t, { socket, dataPlane });
  batch(...base, ...web('a', '192.0.2.1', [{ node: 'node-1' }]), ...web('b', '192.0.2.2'));
  await until('announced', () => pulse.table.size === 1);
  pulse.setDead('node-2');
  await until('reported', () => report()?.pulse.owned === 1 && report()?.host.length === 1);
  const { dataPlane: plane, pulse: link, host, ...rest } = report() ?? assert.fail();
  assert.deepEqual([rest.node, rest.version], ['node-1', '1.2.3']);
  assert.deepEqual(
    link.members.map(({ name, state }) => `${name} ${state}`),
    ['node-1 alive', 'node-2 dead'],
  );
  assert.deepEqual(
    [plane.mode, plane.healthy, plane.frontends, plane.failedCount],
    ['nftables', false, 1, 1],
  );
  assert.deepEqual(
    plane.failed.map(({ service: key, kind }) => [key, kind]),
    [['web/b', 'kernel-refused']],
  );
  assert.deepEqual(
    host.map(({ kind, severity }) => [kind, severity]),
    [['forwarding-off', 'error']],
  );
  assert.match(events.join('\n'), /^announceFailed b: On node node-1: the kernel refused/);
  assert.match(
    await registry.metrics(),
    /^metallb_speaker_announced\{service="web\/a",.*ip="192.0.2.1"\} 1$/m,
  );
});

test('problems of the objects are in the ConfigurationState', async (t) => {
  const socket = socketPath(t);
  const { statuses, listener, registry } = startAgent(t, { socket });
  listener()?.problems([
    {
      ...{ file: 'a.yaml', line: 1, kind: 'Service', namespace: 'web', name: 'a' },
      ...{ field: '', value: '', rule: 'It is wrong.', severity: 'error' },
    },
  ]);
  await until('written', () => statuses.has('ConfigurationState speaker-node-1'));
  assert.match(await registry.metrics(), /^metallb_k8s_client_config_stale_bool 1$/m);
});

test('pulse is stopped on request, and a pulse that is not there is no obstacle', async (t) => {
  const socket = socketPath(t);
  const connect = (handlers: Parameters<typeof connectPulse>[1]) => connectPulse(socket, handlers);
  assert.equal(await stopPulse(connect), 'not-running');
  await using pulse = await startTestPulse(socket);
  assert.equal(await stopPulse(connect), 'stopped');
  assert.equal(pulse.isStopped, true);
});
