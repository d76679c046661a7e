// Services: Kubernetes' own rules, the defaults that nobody else fills in here, and what is asked of the allocator.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, formatCidr } from '../model/address.ts';
import type { Service } from '../model/service.ts';
import { formatPath } from './field-problem.ts';
import { parseService } from './service.ts';

interface Parts {
  readonly metadata?: Record<string, unknown>;
  readonly spec?: Record<string, unknown>;
  readonly status?: unknown;
}

const raw = ({ metadata = {}, spec = {}, status }: Parts) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  status,
});

function accepted(parts: Parts): Service {
  const { object, problems } = parseService(raw(parts));
  assert.ok(object, JSON.stringify(problems));
  return object;
}

const annotated = (annotations: Record<string, string>) => accepted({ metadata: { annotations } });

/** The fields of the errors, of an object that is set aside. */
function refused(parts: Parts): string[] {
  const { object, problems } = parseService(raw(parts));
  assert.equal(object, undefined);
  return problems.filter(({ severity }) => severity === 'error').map(({ path }) => formatPath(path));
}

const warnings = (parts: Parts) =>
  parseService(raw(parts)).problems.filter(({ severity }) => severity === 'warning');

test('what a Service leaves out gets the defaults of the API, and the families stay open', () => {
  const service = accepted({});
  assert.equal(service.key, 'shop/web');
  assert.deepEqual(service.ports, [{ name: '', protocol: 'TCP', port: 80, nodePort: undefined }]);
  assert.deepEqual(service.ipFamilies, []);
  assert.equal(service.ipFamilyPolicy, 'SingleStack');
  assert.equal(service.externalTrafficPolicy, 'Cluster');
  assert.equal(service.internalTrafficPolicy, 'Cluster');
  assert.equal(service.affinityTimeoutSeconds, undefined);
  assert.deepEqual(service.allocated, { addresses: [], pool: undefined });
  assert.equal(parseService({ ...raw({}), spec: { ports: [{ port: 80 }] } }).object?.type, 'ClusterIP');
});

test('a Service without a namespace is in the namespace default', () => {
  assert.equal(accepted({ metadata: { namespace: undefined } }).key, 'default/web');
});

test('fields that are null count as absent', () => {
  const service = accepted({ metadata: { labels: null, annotations: null, creationTimestamp: null } });
  assert.deepEqual(service.labels, {});
});

test('client affinity lasts three hours unless told otherwise', () => {
  const timeout = (timeoutSeconds?: number) =>
    accepted({
      spec: {
        sessionAffinity: 'ClientIP',
        ...(timeoutSeconds === undefined ? {} : { sessionAffinityConfig: { clientIP: { timeoutSeconds } } }),
      },
    }).affinityTimeoutSeconds;
  assert.equal(timeout(), 10_800);
  assert.equal(timeout(86_400), 86_400);
  assert.deepEqual(
    refused({
      spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } },
    }),
    ['spec.sessionAffinityConfig.clientIP.timeoutSeconds'],
  );
});

test('two families without a policy mean that both are required', () => {
  assert.equal(accepted({ spec: { ipFamilies: ['IPv6', 'IPv4'] } }).ipFamilyPolicy, 'RequireDualStack');
  assert.equal(accepted({ spec: { ipFamilies: ['IPv6'] } }).ipFamilyPolicy, 'SingleStack');
});

test('families are refused twice, unknown, or two for a single stack', () => {
  assert.deepEqual(refused({ spec: { ipFamilies: ['IPv4', 'IPv4'] } }), ['spec.ipFamilies[1]']);
  assert.deepEqual(refused({ spec: { ipFamilies: ['IPv5'] } }), ['spec.ipFamilies[0]']);
  assert.deepEqual(refused({ spec: { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' } }), [
    'spec.ipFamilyPolicy',
  ]);
});

test('a port is refused when given twice for one protocol, and allowed for two', () => {
  const ports = (...protocols: string[]) => ({
    spec: { ports: protocols.map((protocol, index) => ({ name: `p${index}`, port: 53, protocol })) },
  });
  assert.deepEqual(refused(ports('TCP', 'TCP')), ['spec.ports[1].port']);
  assert.equal(accepted(ports('TCP', 'UDP', 'SCTP')).ports.length, 3);
});

test('ports must be from 1 to 65535, and several ports need different names', () => {
  const ports = (...ports: unknown[]) => refused({ spec: { ports } });
  assert.deepEqual(ports({ port: 0 }), ['spec.ports[0].port']);
  assert.deepEqual(ports({ port: 65_536 }), ['spec.ports[0].port']);
  assert.deepEqual(ports({ port: '80' }), ['spec.ports[0].port']);
  assert.deepEqual(ports({ port: 1.5 }), ['spec.ports[0].port']);
  assert.deepEqual(ports({ port: 80, protocol: 'ICMP' }), ['spec.ports[0].protocol']);
  assert.deepEqual(ports({ port: 80, targetPort: 'no_such' }), ['spec.ports[0].targetPort']);
  assert.deepEqual(ports({ port: 80, name: 'a' }, { port: 81 }), ['spec.ports[1].name']);
  assert.deepEqual(ports({ port: 80, name: 'a' }, { port: 81, name: 'a' }), ['spec.ports[1].name']);
  assert.deepEqual(ports(), ['spec.ports']);
});

test('target ports may be numbers or names', () => {
  const ports = [
    { name: 'a', port: 80, targetPort: 8080 },
    { name: 'b', port: 81, targetPort: 'http' },
  ];
  assert.equal(accepted({ spec: { ports } }).ports.length, 2);
});

test('a Service with 1,000 ports is accepted', () => {
  const ports = Array.from({ length: 1000 }, (_, index) => ({ name: `p${index}`, port: index + 1 }));
  assert.equal(accepted({ spec: { ports } }).ports.length, 1000);
});

test('names that are paths, commands or nftables syntax are refused', () => {
  for (const name of [
    '../../x',
    '$(reboot)',
    'a; flush ruleset',
    'a b',
    'Web',
    '',
    'x'.repeat(64),
    'a\n',
    'ä',
  ]) {
    assert.deepEqual(refused({ metadata: { name } }), ['metadata.name'], name);
  }
  assert.deepEqual(refused({ metadata: { namespace: '../x' } }), ['metadata.namespace']);
  assert.deepEqual(refused({ spec: { ports: [{ port: 80, name: 'a"; drop' }] } }), ['spec.ports[0].name']);
  assert.deepEqual(refused({ metadata: { labels: { 'a b': 'c' } } }), ['metadata.labels["a b"]']);
  assert.deepEqual(refused({ metadata: { labels: { a: '{' } } }), ['metadata.labels.a']);
});

test('white space around source ranges is tolerated, anything but a CIDR block is not', () => {
  const service = accepted({ spec: { loadBalancerSourceRanges: [' 198.51.100.0/24 ', '2001:db8::/32'] } });
  assert.deepEqual(service.loadBalancerSourceRanges.map(formatCidr), ['198.51.100.0/24', '2001:db8::/32']);
  assert.deepEqual(refused({ spec: { loadBalancerSourceRanges: ['198.51.100.0/33'] } }), [
    'spec.loadBalancerSourceRanges[0]',
  ]);
});

test('a headless Service cannot be a load balancer', () => {
  assert.deepEqual(refused({ spec: { clusterIP: 'None' } }), ['spec.clusterIP']);
  assert.ok(accepted({ spec: { clusterIP: 'None', type: 'ClusterIP', ports: [] } }));
});

test('unknown fields are warnings that name the nearest known one', () => {
  const [warning, ...rest] = warnings({ spec: { externalTraficPolicy: 'Local' } });
  assert.deepEqual(rest, []);
  assert.deepEqual(warning?.path, ['spec', 'externalTraficPolicy']);
  assert.match(warning?.rule ?? '', /externalTrafficPolicy/);
  assert.equal(accepted({ spec: { externalTraficPolicy: 'Local' } }).externalTrafficPolicy, 'Cluster');
});

test('unknown values name those allowed', () => {
  const { problems } = parseService(raw({ spec: { type: 'Loadbalancer' } }));
  assert.match(problems[0]?.rule ?? '', /ClusterIP.*LoadBalancer.*Did you mean LoadBalancer\?/);
});

test('a label that YAML takes for a number is refused with the advice to quote it', () => {
  const { problems } = parseService(raw({ metadata: { labels: { version: 3 } } }));
  assert.match(problems[0]?.rule ?? '', /quotes/);
});

test('pool, addresses and sharing key are asked for by annotation', () => {
  const { request } = annotated({
    'metallb.io/address-pool': 'public',
    'metallb.io/loadBalancerIPs': '192.0.2.1, 2001:db8::1',
    'metallb.io/allow-shared-ip': 'dns',
  });
  assert.equal(request.pool, 'public');
  assert.deepEqual(request.addresses.map(formatAddress), ['192.0.2.1', '2001:db8::1']);
  assert.equal(request.sharingKey, 'dns');
  assert.equal(request.problem, undefined);
  assert.deepEqual(request.legacyAnnotations, []);
});

test('spec.loadBalancerIP asks for one address', () => {
  const { request } = accepted({ spec: { loadBalancerIP: '192.0.2.1' } });
  assert.deepEqual(request.addresses.map(formatAddress), ['192.0.2.1']);
});

test('annotations with the legacy prefix are read, named and warned of; the new prefix goes first', () => {
  const annotations = {
    'metallb.universe.tf/address-pool': 'old',
    'metallb.universe.tf/allow-shared-ip': 'key',
    'metallb.io/address-pool': 'new',
  };
  const { request } = annotated(annotations);
  assert.equal(request.pool, 'new');
  assert.equal(request.sharingKey, 'key');
  assert.deepEqual(request.legacyAnnotations, [
    'metallb.universe.tf/address-pool',
    'metallb.universe.tf/allow-shared-ip',
  ]);
  assert.equal(warnings({ metadata: { annotations } }).length, 2);
});

test('a request that cannot be met stays with the Service, which is in force, and is reported as an error', () => {
  const both = {
    metadata: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.1' } },
    spec: { loadBalancerIP: '192.0.2.2' },
  };
  const cases: [Parts, RegExp][] = [
    [both, /loadBalancerIP.*192\.0\.2\.2.*keep the annotation/],
    [{ spec: { loadBalancerIP: '192.0.2.300' } }, /192\.0\.2\.300.*not an IP address/],
    [
      { metadata: { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.1,192.0.2.2' } } },
      /At most one IPv4 address/,
    ],
  ];
  for (const [parts, sentence] of cases) {
    const { object, problems } = parseService(raw(parts));
    assert.match(object?.request.problem ?? '', sentence);
    assert.deepEqual(object?.request.addresses, []);
    assert.ok(problems.some(({ severity }) => severity === 'error'));
  }
});

test('a misspelt annotation of ours is a warning that names the right one', () => {
  const [warning] = warnings({ metadata: { annotations: { 'metallb.io/loadbalancerips': '192.0.2.1' } } });
  assert.match(warning?.rule ?? '', /Did you mean metallb\.io\/loadBalancerIPs\?/);
  assert.deepEqual(warnings({ metadata: { annotations: { 'example.com/loadbalancerips': 'x' } } }), []);
});

test('the addresses that its status gives are read', () => {
  const { allocated } = accepted({
    metadata: { annotations: { 'metallb.io/ip-allocated-from-pool': 'public' } },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
  });
  assert.deepEqual(allocated.addresses.map(formatAddress), ['192.0.2.1']);
  assert.equal(allocated.pool, 'public');
});
