// Any object: recognised by kind and version, and survived whatever it holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPath, formatValue } from './field-problem.ts';
import { kinds } from './kinds.ts';
import { parseObject } from './parse-object.ts';
import { isRecord, type RawObject } from './record.ts';

const metadata = { name: 'x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } };
const selector = { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'In', values: ['d'] }] };

/** One valid object of each kind and version, with most of its fields. */
const valid: readonly RawObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.1' } },
    spec: {
      type: 'LoadBalancer',
      ports: [{ name: 'a', port: 80, targetPort: 'http', protocol: 'TCP' }],
      selector: { app: 'web' },
      loadBalancerSourceRanges: ['198.51.100.0/24'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, annotations: { 'gantry.dev/health-check': 'http:/' } },
    addressType: 'IPv4',
    ports: [{ name: 'a', port: 80 }],
    endpoints: [{ addresses: ['198.18.0.1'], conditions: { ready: true }, nodeName: 'n' }],
  },
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n' },
    spec: { podCIDRs: ['198.18.0.0/24'] },
    status: {
      addresses: [{ type: 'InternalIP', address: '198.18.1.1' }],
      conditions: [{ type: 'NetworkUnavailable', status: 'False' }],
    },
  },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    type: 'kubernetes.io/basic-auth',
    stringData: { password: 'x' },
  },
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name: 'p' },
    spec: {
      addresses: ['192.0.2.0/24', '2001:db8::1-2001:db8::9'],
      serviceAllocation: { priority: 1, namespaces: ['shop'], serviceSelectors: [selector] },
    },
  },
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'L2Advertisement',
    metadata: { name: 'l' },
    spec: { interfaces: ['eth0'], preferredNodeSelectors: [{ weight: 1, preference: selector }] },
  },
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'BGPAdvertisement',
    metadata: { name: 'b' },
    spec: { communities: ['64512:1'], nodeSelectors: [selector] },
  },
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'BGPPeer',
    metadata: { name: 'old' },
    spec: { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' },
  },
  {
    apiVersion: 'metallb.io/v1beta2',
    kind: 'BGPPeer',
    metadata: { name: 'new' },
    spec: { myASN: 64_512, dynamicASN: 'external', interface: 'eth0', holdTime: '30s', connectTime: '5s' },
  },
  { apiVersion: 'metallb.io/v1beta1', kind: 'BFDProfile', metadata: { name: 'f' }, spec: { echoMode: true } },
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'Community',
    metadata: { name: 'c' },
    spec: { communities: [{ name: 'vpn', value: 'large:1:2:3' }] },
  },
  {
    apiVersion: 'gantry.dev/v1alpha1',
    kind: 'AddressProbe',
    metadata: { name: 'node1' },
    status: {
      node: 'node1',
      pools: ['lan'],
      inUse: [
        { address: '192.0.2.1', mac: '02:00:00:00:00:01', interface: 'eth0', since: '2026-01-01T00:00:00Z' },
      ],
      clear: ['192.0.2.2'],
    },
  },
];

test('a valid object of every kind and version is accepted without a word', () => {
  const seen = new Set<string>();
  for (const raw of valid) {
    const { change, problems, kind } = parseObject(raw);
    assert.deepEqual(problems, [], kind);
    assert.equal(change?.kind, kind);
    seen.add(`${kind} ${raw['apiVersion']}`);
  }
  const served = Object.entries(kinds).flatMap(([kind, { apiVersions }]) =>
    apiVersions.map((v) => `${kind} ${v}`),
  );
  assert.deepEqual([...seen].sort(), served.sort());
});

test('a kind that is not ours is a warning, and nothing more', () => {
  for (const [apiVersion, kind] of [
    ['v1', 'Pod'],
    ['apps/v1', 'Deployment'],
    ['v1', 'ConfigMap'],
    ['serving.knative.dev/v1', 'Service'],
    ['v1', 'constructor'],
  ]) {
    const { change, identity, problems } = parseObject({ apiVersion, kind, metadata: { name: 'x' } });
    assert.equal(change, undefined);
    assert.equal(identity, undefined);
    assert.deepEqual(
      problems.map(({ severity }) => severity),
      ['warning'],
    );
  }
});

test('a misspelt kind or an unknown version of ours is an error: the object may be in force', () => {
  for (const [apiVersion, kind, rule] of [
    ['v1', 'Servce', /Did you mean Service\?/],
    ['v2', 'Service', /v1/],
    [undefined, 'Service', /v1/],
    ['metallb.io/v1', 'IPAddressPool', /metallb\.io\/v1beta1/],
    ['v1', undefined, /apiVersion and kind/],
  ] as const) {
    const { change, problems } = parseObject({ apiVersion, kind, metadata: { name: 'x' } });
    assert.equal(change, undefined);
    assert.equal(problems[0]?.severity, 'error');
    assert.match(problems[0]?.rule ?? '', rule);
  }
});

test('no JSON makes the parser throw', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (raw) => {
      parseObject(raw);
    }),
  );
});

/** Every path in a value, the root's left out. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const inner: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : isRecord(value)
      ? Object.entries(value)
      : [];
  return inner.flatMap(([step, child]) => [[...path, step], ...pathsOf(child, [...path, step])]);
}

function replaced(value: unknown, path: readonly (string | number)[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  const copy: unknown = Array.isArray(value) ? [...value] : { ...(value as object) };
  Reflect.set(copy as object, step, replaced(Reflect.get(value as object, step), rest, by));
  return copy;
}

test('whatever stands in one field of a valid object, the outcome is an object or an error that can be shown', () => {
  const strange = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      '../../x',
      '$(id)',
      '; flush ruleset',
      '\u0000',
      '__proto__',
      '9'.repeat(400),
      Number.NaN,
      -0,
    ),
    fc.constantFrom('1e9s', '::', '0.0.0.0/0', 'large:', '-', '/', ',', 65_536, 2 ** 60, true),
    fc.record({ constructor: fc.jsonValue(), toString: fc.jsonValue() }),
  );
  const mutant = fc
    .constantFrom(...valid)
    .chain((raw) =>
      fc.tuple(fc.constantFrom(...pathsOf(raw)), strange).map(([path, by]) => replaced(raw, path, by)),
    );
  fc.assert(
    fc.property(mutant, (raw) => {
      assert.ok(isRecord(raw));
      const { change, problems } = parseObject(raw);
      for (const { path, value, rule } of problems) {
        assert.match(rule, /[.?]$/);
        assert.ok(formatPath(path).length >= 0 && formatValue(path, value).length <= 80);
      }
      if (change === undefined) assert.ok(problems.length > 0);
    }),
    { numRuns: 1000 },
  );
});

test('a password is never shown', () => {
  const raw = {
    ...valid[8],
    spec: { myASN: 64_512, password: ['secret'], nodeSelectors: { password: 'secret' } },
  };
  const { problems } = parseObject(raw);
  const shown = problems.map(({ path, value }) => formatValue(path, value)).join();
  assert.ok(problems.length >= 2);
  assert.doesNotMatch(shown, /secret/);
});

test('an object nested without bound is refused', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level++) deep = [deep];
  const { problems } = parseObject({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'x' },
    spec: deep,
  });
  assert.match(problems[0]?.rule ?? '', /64 levels/);
});
