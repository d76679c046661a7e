// EndpointSlices: conditions that are absent, endpoints that cannot be forwarded to, and checks of ours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../model/address.ts';
import { parseEndpointSlice } from './endpoint-slice.ts';
import { formatPath } from './field-problem.ts';

const raw = (parts: Record<string, unknown> = {}, annotations: Record<string, string> = {}) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'web-1',
    namespace: 'shop',
    labels: { 'kubernetes.io/service-name': 'web' },
    annotations,
  },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  endpoints: [{ addresses: ['198.18.0.1'] }],
  ...parts,
});

function accepted(parts?: Record<string, unknown>, annotations?: Record<string, string>) {
  const { object, problems } = parseEndpointSlice(raw(parts, annotations));
  assert.ok(object, JSON.stringify(problems));
  return object;
}

function refused(parts?: Record<string, unknown>, annotations?: Record<string, string>): string[] {
  const { object, problems } = parseEndpointSlice(raw(parts, annotations));
  assert.equal(object, undefined);
  return problems.map(({ path }) => formatPath(path));
}

test('a slice belongs to the Service that its label names, in its own namespace', () => {
  const slice = accepted();
  assert.equal(slice.key, 'shop/web-1');
  assert.equal(slice.service, 'shop/web');
  assert.deepEqual(slice.ports, [{ name: 'http', protocol: 'TCP', port: 8080 }]);
  assert.equal(slice.healthCheck, undefined);
});

test('an absent condition is taken for ready and serving, and not terminating', () => {
  const endpoints = [
    { addresses: ['198.18.0.1'] },
    { addresses: ['198.18.0.2'], conditions: { ready: false, serving: true, terminating: true } },
    { addresses: ['198.18.0.3', '198.18.0.4'], conditions: { ready: null }, nodeName: 'a', zone: 'z' },
  ];
  const read = accepted({ endpoints }).endpoints.map((endpoint) => ({
    ...endpoint,
    address: formatAddress(endpoint.address),
  }));
  const none = { nodeName: undefined, zone: undefined };
  assert.deepEqual(read, [
    { address: '198.18.0.1', ready: true, serving: true, terminating: false, ...none },
    { address: '198.18.0.2', ready: false, serving: true, terminating: true, ...none },
    { address: '198.18.0.3', ready: true, serving: true, terminating: false, nodeName: 'a', zone: 'z' },
  ]);
});

test('a slice without a Service is passed over with a warning, not an error', () => {
  const { object, problems } = parseEndpointSlice({ ...raw(), metadata: { name: 'alone' } });
  assert.equal(object, undefined);
  assert.deepEqual(
    problems.map(({ severity }) => severity),
    ['warning'],
  );
});

test('an endpoint of the wrong family, or that only its own host reaches, is refused', () => {
  const one = (address: string) =>
    refused({ endpoints: [{ addresses: ['198.18.0.1'] }, { addresses: [address] }] });
  for (const address of [
    '2001:db8::1',
    '127.0.0.1',
    '0.0.0.0',
    '224.0.0.1',
    'host.example',
    '198.18.0.0/24',
  ]) {
    assert.deepEqual(one(address), ['endpoints[1].addresses[0]'], address);
  }
  const six = { addressType: 'IPv6', endpoints: [{ addresses: ['fe80::1'] }] };
  assert.deepEqual(refused(six), ['endpoints[0].addresses[0]']);
  assert.deepEqual(refused({ endpoints: [{ addresses: [] }] }), ['endpoints[0].addresses']);
});

test('two ports of one name are refused, one without a number has no effect', () => {
  assert.deepEqual(refused({ ports: [{ port: 1 }, { port: 2 }] }), ['ports[1].name']);
  assert.deepEqual(accepted({ ports: [{ name: 'any' }] }).ports, []);
});

test('a slice with 1,000 ports and 1,000 endpoints is accepted', () => {
  const ports = Array.from({ length: 1000 }, (_, index) => ({ name: `p${index}`, port: index + 1 }));
  const endpoints = Array.from({ length: 1000 }, (_, index) => ({
    addresses: [`198.18.${index >> 8}.${index & 255}`],
  }));
  const slice = accepted({ ports, endpoints });
  assert.equal(slice.ports.length, 1000);
  assert.equal(slice.endpoints.length, 1000);
});

test('a check of ours is asked for by annotation, with sensible defaults', () => {
  assert.deepEqual(accepted({}, { 'gantry.dev/health-check': 'tcp' }).healthCheck, {
    type: 'tcp',
    portName: undefined,
    path: '',
    intervalMilliseconds: 2000,
    timeoutMilliseconds: 1000,
    failureThreshold: 3,
  });
  const annotations = {
    'gantry.dev/health-check': 'http:/healthz?full=1',
    'gantry.dev/health-check-port': 'http',
    'gantry.dev/health-check-interval': '500ms',
    'gantry.dev/health-check-threshold': '1',
  };
  assert.deepEqual(accepted({}, annotations).healthCheck, {
    type: 'http',
    portName: 'http',
    path: '/healthz?full=1',
    intervalMilliseconds: 500,
    timeoutMilliseconds: 500,
    failureThreshold: 1,
  });
});

test('a check that cannot be made sets the slice aside and names the annotation', () => {
  const wrong: [string, string][] = [
    ['gantry.dev/health-check', 'icmp'],
    ['gantry.dev/health-check', 'http:healthz'],
    ['gantry.dev/health-check', 'http:/a b'],
    ['gantry.dev/health-check-port', 'metrics'],
    ['gantry.dev/health-check-interval', '5'],
    ['gantry.dev/health-check-interval', '1ms'],
    ['gantry.dev/health-check-timeout', '3s'],
    ['gantry.dev/health-check-threshold', '0'],
    ['gantry.dev/health-check-threshold', 'many'],
  ];
  for (const [name, value] of wrong) {
    const annotations = { 'gantry.dev/health-check': 'tcp', [name]: value };
    assert.deepEqual(refused({}, annotations), [`metadata.annotations["${name}"]`], `${name}: ${value}`);
  }
});

test('a misspelt annotation of ours is a warning', () => {
  const { problems } = parseEndpointSlice(raw({}, { 'gantry.dev/healthcheck': 'tcp' }));
  assert.match(problems[0]?.rule ?? '', /Did you mean gantry\.dev\/health-check\?/);
});
