// Tests of the prober with probes that are answered by the test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import type { EndpointSlice, HealthCheck } from '../model/endpoint-slice.ts';
import type { ProbeFailure } from './health-check.ts';
import type { ProbeTarget } from './probe.ts';
import { createProber } from './prober.ts';

const check: HealthCheck = {
  type: 'http',
  portName: 'admin',
  path: '/ready',
  intervalMilliseconds: 1000,
  timeoutMilliseconds: 300,
  failureThreshold: 2,
};

function slice(addresses: readonly string[], healthCheck: HealthCheck | undefined = check): EndpointSlice {
  return {
    key: 'web/web-1',
    service: 'web/web',
    family: 'IPv4',
    ports: [
      { name: 'http', protocol: 'TCP', port: 8080 },
      { name: 'admin', protocol: 'TCP', port: 9090 },
    ],
    endpoints: addresses.map((text) => {
      const address = parseAddress(text);
      assert.ok(address !== undefined);
      return {
        address,
        ready: true,
        serving: true,
        terminating: false,
        nodeName: undefined,
        zone: undefined,
      };
    }),
    healthCheck,
  };
}

/** A prober on a mocked clock; `answers` says what the probe of an address comes to. */
function start(t: import('node:test').TestContext, concurrency = 8) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const probed: ProbeTarget[] = [];
  const answers = new Map<string, ProbeFailure>();
  const changed: string[] = [];
  const stop = new AbortController();
  let underWay = 0;
  let mostUnderWay = 0;
  const prober = createProber({
    probe: async (target) => {
      probed.push(target);
      mostUnderWay = Math.max(mostUnderWay, ++underWay);
      await Promise.resolve();
      underWay--;
      return answers.get(target.address);
    },
    changed: (service) => changed.push(service),
    random: () => 0.5,
    concurrency,
    signal: stop.signal,
  });
  const pass = async (milliseconds: number): Promise<void> => {
    t.mock.timers.tick(milliseconds);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  };
  const healthy = (current: EndpointSlice): boolean[] =>
    current.endpoints.map((endpoint) => prober.isHealthy(current, endpoint));
  return { prober, probed, answers, changed, stop, pass, healthy, mostUnderWay: () => mostUnderWay };
}

test('each endpoint is probed at the port and path of the check, again and again', async (t) => {
  const { prober, probed, pass } = start(t);
  prober.update('web/web', [slice(['198.51.100.1'])]);
  await pass(100);
  await pass(1000);
  assert.equal(probed.length, 2);
  assert.deepEqual(probed[0], {
    type: 'http',
    address: '198.51.100.1',
    port: 9090,
    path: '/ready',
    timeoutMilliseconds: 300,
  });
});

test('an endpoint is told unhealthy and healthy again exactly when that changes', async (t) => {
  const { prober, answers, changed, pass, healthy } = start(t);
  const current = slice(['198.51.100.1', '198.51.100.2']);
  prober.update('web/web', [current]);
  assert.deepEqual(healthy(current), [true, true]);
  await pass(100);
  answers.set('198.51.100.2', { kind: 'probe-refused' });
  await pass(1000);
  assert.deepEqual([healthy(current), changed], [[true, true], []]);
  await pass(1000);
  assert.deepEqual([healthy(current), changed], [[true, false], ['web/web']]);
  assert.deepEqual(prober.failures(), [
    { service: 'web/web', address: '198.51.100.2', port: 9090, failure: { kind: 'probe-refused' } },
  ]);
  answers.clear();
  await pass(1000);
  assert.deepEqual(
    [healthy(current), changed],
    [
      [true, true],
      ['web/web', 'web/web'],
    ],
  );
});

test('an endpoint that stays keeps its health over changes of its slice', async (t) => {
  const { prober, answers, pass, healthy } = start(t);
  const current = slice(['198.51.100.1']);
  answers.set('198.51.100.1', { kind: 'probe-refused' });
  prober.update('web/web', [current]);
  await pass(100);
  const grown = slice(['198.51.100.1', '198.51.100.2']);
  prober.update('web/web', [grown]);
  assert.deepEqual(healthy(grown), [false, true]);
});

test('endpoints that are gone, and those without a check, are not probed', async (t) => {
  const { prober, probed, pass, healthy } = start(t);
  const current = slice(['198.51.100.1']);
  prober.update('web/web', [current]);
  prober.update('web/web', []);
  const unchecked = { ...slice(['198.51.100.2']), key: 'web/web-2', healthCheck: undefined };
  prober.update('web/web', [unchecked]);
  await pass(5000);
  assert.equal(probed.length, 0);
  assert.deepEqual(healthy(unchecked), [true]);
});

test('no more probes run at once than allowed, and all get their turn', async (t) => {
  const { prober, probed, pass, mostUnderWay } = start(t, 3);
  const addresses = Array.from({ length: 10 }, (_, index) => `198.51.100.${index + 1}`);
  prober.update('web/web', [slice(addresses)]);
  await pass(100);
  assert.equal(new Set(probed.map(({ address }) => address)).size, 10);
  assert.equal(mostUnderWay(), 3);
});

test('nothing is probed after the end', async (t) => {
  const { prober, probed, stop, pass } = start(t);
  prober.update('web/web', [slice(['198.51.100.1'])]);
  stop.abort();
  await pass(5000);
  assert.equal(probed.length, 0);
});
