// From the World to frontends, as tables: which endpoints, and what is said about those that are not as one may expect.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, formatAddress, parseAddress, parseCidr } from '../model/address.ts';
import type { Endpoint, EndpointSlice } from '../model/endpoint-slice.ts';
import { sentence } from '../model/reason.ts';
import { sampleService } from '../model/sample.ts';
import type { Service, TrafficPolicy } from '../model/service.ts';
import { applyBatch, emptyWorld, type World } from '../model/world.ts';
import { emptyClaims, updateClaims } from './claims.ts';
import { endpointHealthKey } from './endpoints.ts';
import { type PlanContext, planService, type ServicePlan } from './plan.ts';
import { dataPlaneSentences } from './reason.ts';
import type { Backend } from './table.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
};

const key = 'default/web';
const service = (changes: Partial<Service> = {}): Service =>
  sampleService(key, {
    ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: undefined }],
    allocated: { addresses: [address('192.0.2.10')], pool: 'lan' },
    ...changes,
  });

/** `here` is this node. */
const endpoint = (last: number, nodeName: string | undefined, state: Partial<Endpoint> = {}): Endpoint => ({
  address: address(`198.18.0.${last}`),
  ready: true,
  serving: true,
  terminating: false,
  nodeName,
  zone: undefined,
  ...state,
});
const unready = { ready: false, serving: false };
const terminating = { ready: false, serving: true, terminating: true };

const slice = (endpoints: readonly Endpoint[], changes: Partial<EndpointSlice> = {}): EndpointSlice => ({
  key: 'default/web-1',
  service: key,
  family: 'IPv4',
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  endpoints,
  healthCheck: undefined,
  ...changes,
});

function plan(
  one: Service,
  slices: readonly EndpointSlice[],
  changes: Partial<PlanContext> = {},
  others: readonly Service[] = [],
): ServicePlan {
  const world = worldOf([one, ...others], slices);
  const claims = emptyClaims();
  for (const each of [one, ...others]) updateClaims(claims, each.key, each);
  const context = { node: 'here', deadNodes: new Set<string>(), unhealthy: new Set<string>(), claims };
  return planService(world, one.key, { ...context, ...changes });
}

function worldOf(services: readonly Service[], slices: readonly EndpointSlice[]): World {
  const world = emptyWorld();
  applyBatch(world, {
    changes: [
      ...services.map((object) => ({ kind: 'Service' as const, key: object.key, object })),
      ...slices.map((object) => ({ kind: 'EndpointSlice' as const, key: object.key, object })),
    ],
    complete: true,
  });
  return world;
}

/** The last numbers of the addresses. */
const lasts = (backends: readonly Backend[] | undefined): number[] =>
  (backends ?? []).map((backend) => Number(backend.address.value & 255n));

const kinds = (planned: ServicePlan): string[] => planned.reasons.map((reason) => reason.kind);

test('which endpoints are used outside and inside, and which drain', () => {
  const rows: readonly {
    readonly what: string;
    readonly endpoints: readonly Endpoint[];
    readonly policy?: 'Local';
    readonly service?: Partial<Service>;
    readonly dead?: readonly string[];
    readonly outside: readonly number[];
    readonly inside: readonly number[];
    readonly draining?: readonly number[];
    readonly reasons?: readonly string[];
  }[] = [
    {
      what: 'all that are ready, on any node or none',
      endpoints: [
        endpoint(3, 'there'),
        endpoint(1, 'here'),
        endpoint(2, undefined),
        endpoint(4, 'here', unready),
      ],
      outside: [1, 2, 3],
      inside: [1, 2, 3],
    },
    {
      what: 'under Local those of this node for outside',
      policy: 'Local',
      endpoints: [endpoint(1, 'here'), endpoint(2, 'there'), endpoint(3, undefined)],
      outside: [1],
      inside: [1, 2, 3],
    },
    {
      what: 'terminating ones only where none is ready',
      endpoints: [endpoint(1, 'here', terminating), endpoint(2, 'there')],
      outside: [2],
      inside: [2],
      draining: [1],
    },
    {
      what: 'terminating ones that serve where none is ready',
      endpoints: [
        endpoint(1, 'here', terminating),
        endpoint(2, 'there', { ...terminating, serving: false }),
        endpoint(3, 'there', unready),
      ],
      outside: [1],
      inside: [1],
      reasons: ['only-terminating-endpoints'],
    },
    {
      what: 'that is decided for this node by itself',
      policy: 'Local',
      endpoints: [endpoint(1, 'here', terminating), endpoint(2, 'there'), endpoint(3, 'there', terminating)],
      outside: [1],
      inside: [2],
      draining: [3],
      reasons: ['only-terminating-endpoints'],
    },
    {
      what: 'not those on dead nodes',
      endpoints: [endpoint(1, 'there'), endpoint(2, 'elsewhere'), endpoint(3, undefined)],
      dead: ['there'],
      outside: [2, 3],
      inside: [2, 3],
    },
    {
      what: 'a living one that terminates rather than a dead one that is ready',
      endpoints: [endpoint(1, 'there'), endpoint(2, 'elsewhere', terminating)],
      dead: ['there'],
      outside: [2],
      inside: [2],
      reasons: ['only-terminating-endpoints'],
    },
    {
      what: 'those on dead nodes when no other would remain',
      endpoints: [endpoint(1, 'there'), endpoint(2, 'there', unready)],
      dead: ['there'],
      outside: [1],
      inside: [1],
      reasons: ['only-endpoints-on-dead-nodes'],
    },
    {
      what: 'this node is alive, whatever others say',
      policy: 'Local',
      endpoints: [endpoint(1, 'here'), endpoint(2, 'there')],
      dead: ['here'],
      outside: [1],
      inside: [1, 2],
    },
    {
      what: 'unready ones where the Service publishes them',
      service: { publishNotReadyAddresses: true },
      endpoints: [endpoint(1, 'here', unready)],
      outside: [1],
      inside: [1],
    },
    { what: 'none', endpoints: [], outside: [], inside: [], reasons: ['no-endpoints'] },
    {
      what: 'none that is ready',
      endpoints: [endpoint(1, 'here', unready)],
      outside: [],
      inside: [],
      reasons: ['no-ready-endpoints'],
    },
    {
      what: 'none of this node',
      policy: 'Local',
      endpoints: [endpoint(1, 'here', unready), endpoint(2, 'there')],
      outside: [],
      inside: [2],
      reasons: ['no-local-endpoints'],
    },
  ];
  for (const row of rows) {
    const planned = plan(
      service({ externalTrafficPolicy: row.policy ?? 'Cluster', ...row.service }),
      [slice(row.endpoints)],
      { deadNodes: new Set(row.dead) },
    );
    const [frontend] = planned.frontends;
    assert.deepEqual(
      [lasts(frontend?.outside), lasts(frontend?.inside), lasts(frontend?.draining), kinds(planned)],
      [row.outside, row.inside, row.draining ?? [], row.reasons ?? []],
      row.what,
    );
  }
});

test('ports are joined by name, protocol and family', () => {
  const ports = [
    { name: 'http', protocol: 'TCP' as const, port: 80, nodePort: undefined },
    { name: 'dns', protocol: 'UDP' as const, port: 53, nodePort: undefined },
  ];
  const addresses = [address('192.0.2.10'), address('2001:db8::10')];
  const planned = plan(service({ ports, allocated: { addresses, pool: undefined } }), [
    slice([endpoint(1, 'here')], {
      ports: [
        { name: 'http', protocol: 'TCP', port: 8080 },
        { name: 'dns', protocol: 'UDP', port: 5353 },
        { name: 'http', protocol: 'UDP', port: 1 },
      ],
    }),
    slice([{ ...endpoint(1, 'here'), address: address('2001:db8:1::1') }], {
      key: 'default/web-2',
      family: 'IPv6',
      ports: [{ name: 'http', protocol: 'TCP', port: 9090 }],
    }),
  ]);
  const shown = planned.frontends.map(
    ({ address, protocol, port, inside }) =>
      `${formatAddress(address)} ${protocol} ${port} → ${inside.map((one) => `${formatAddress(one.address)} ${one.port}`)}`,
  );
  assert.deepEqual(shown, [
    '192.0.2.10 TCP 80 → 198.18.0.1 8080',
    '192.0.2.10 UDP 53 → 198.18.0.1 5353',
    '2001:db8::10 TCP 80 → 2001:db8:1::1 9090',
    '2001:db8::10 UDP 53 → ',
  ]);
  assert.deepEqual(kinds(planned), ['port-not-in-endpoint-slices']);
  const [reason] = planned.reasons;
  assert.ok(reason);
  assert.match(
    sentence(dataPlaneSentences, reason),
    /no EndpointSlice has a port named "dns" with protocol UDP .* \(IPv6; there is: http\/TCP\); name the ports alike/,
  );
});

test('an endpoint in two slices counts once, with the better of its states', () => {
  const moving = [
    slice([endpoint(1, 'here', unready), endpoint(2, 'there')]),
    slice([endpoint(1, 'here'), endpoint(2, 'there', terminating)], { key: 'default/web-2' }),
  ];
  assert.deepEqual(lasts(plan(service(), moving).frontends[0]?.inside), [1, 2]);
  assert.deepEqual(lasts(plan(service(), moving.toReversed()).frontends[0]?.inside), [1, 2]);
});

test('an endpoint that fails its check is as one that is not ready, and neither serves what it has', () => {
  const healthCheck = {
    type: 'tcp' as const,
    portName: undefined,
    path: '/',
    intervalMilliseconds: 1000,
    timeoutMilliseconds: 500,
    failureThreshold: 3,
  };
  const checked = slice([endpoint(1, 'here'), endpoint(2, 'there')], { healthCheck });
  const unhealthy = new Set([endpointHealthKey(checked.key, address('198.18.0.1'))]);
  const [frontend] = plan(service(), [checked], { unhealthy }).frontends;
  assert.deepEqual([lasts(frontend?.inside), lasts(frontend?.draining)], [[2], []]);
  const unchecked = slice([endpoint(1, 'here')]);
  assert.deepEqual(lasts(plan(service(), [unchecked], { unhealthy }).frontends[0]?.inside), [1]);
});

test('only the addresses of LoadBalancer Services that have one become frontends', () => {
  const slices = [slice([endpoint(1, 'here')])];
  const nothing = { frontends: [], reasons: [], localReadyEndpoints: 0 };
  assert.deepEqual(plan(service({ type: 'ClusterIP' }), slices), nothing);
  assert.deepEqual(plan(service({ allocated: { addresses: [], pool: undefined } }), slices), nothing);
  assert.deepEqual(planService(emptyWorld(), key, contextOf()), nothing);
  const labels = { 'service.kubernetes.io/service-proxy-name': 'another' };
  const left = plan(service({ labels }), slices);
  assert.deepEqual([left.frontends, kinds(left)], [[], ['other-service-proxy']]);
});
const contextOf = (): PlanContext => ({
  node: 'here',
  deadNodes: new Set(),
  unhealthy: new Set(),
  claims: emptyClaims(),
});

test('a frontend wanted by two Services is the older one’s, and goes over when that gives it up', () => {
  const older = service({ creationTimestamp: '2026-01-01T00:00:00Z' });
  const younger = service({
    key: 'a/younger',
    name: 'younger',
    creationTimestamp: '2026-01-01T02:00:00+01:00',
  });
  const unknown = service({ key: 'a/unknown', name: 'unknown' });
  const others = [younger, unknown];
  assert.deepEqual(kinds(plan(older, [], {}, others)), ['no-endpoints']);
  for (const one of others) {
    const rest = [older, ...others.filter((other) => other !== one)];
    const planned = plan(one, [], {}, rest);
    assert.deepEqual([planned.frontends, kinds(planned)], [[], ['frontend-taken']], one.key);
  }

  const claims = emptyClaims();
  for (const one of [older, ...others]) updateClaims(claims, one.key, one);
  const moved = { ...older, ports: [{ name: '', protocol: 'TCP' as const, port: 81, nodePort: undefined }] };
  assert.deepEqual(updateClaims(claims, older.key, moved), new Set(['a/younger', 'a/unknown']));
  const world = worldOf([moved, ...others], []);
  assert.equal(planService(world, 'a/younger', { ...contextOf(), claims }).frontends.length, 1);
  assert.equal(planService(world, 'a/unknown', { ...contextOf(), claims }).frontends.length, 0);
  assert.deepEqual(updateClaims(claims, 'a/younger', undefined), new Set(['a/unknown']));
});

test('source ranges are those of the frontend’s family, and none of it lets nobody in', () => {
  const range = parseCidr('203.0.113.0/24');
  assert.ok(range);
  const addresses = [address('192.0.2.10'), address('2001:db8::10')];
  const { frontends } = plan(
    service({ loadBalancerSourceRanges: [range], allocated: { addresses, pool: undefined } }),
    [],
  );
  assert.deepEqual(
    frontends.map(({ sourceRanges }) => sourceRanges),
    [[range], []],
  );
});

test('an affinity’s scope is the port’s, in its family, under its policy, and not its address’s', () => {
  const addresses = [address('192.0.2.10'), address('192.0.2.11'), address('2001:db8::10')];
  const scopes = (externalTrafficPolicy: TrafficPolicy) =>
    plan(
      service({
        affinityTimeoutSeconds: 60,
        externalTrafficPolicy,
        allocated: { addresses, pool: undefined },
      }),
      [],
    ).frontends.map(({ affinity }) => affinity?.scope);
  const [first, second, third] = scopes('Cluster');
  assert.equal(first, second);
  assert.notEqual(first, third);
  assert.notEqual(first, scopes('Local')[0]);
});

test('local ready endpoints are counted by address', () => {
  const ports = [
    { name: 'http', protocol: 'TCP' as const, port: 80, nodePort: undefined },
    { name: 'dns', protocol: 'UDP' as const, port: 53, nodePort: undefined },
  ];
  const endpoints = [endpoint(1, 'here'), endpoint(2, 'here', terminating), endpoint(3, 'there')];
  const both = slice(endpoints, { ports: ports.map(({ name, protocol }) => ({ name, protocol, port: 1 })) });
  assert.equal(plan(service({ ports }), [both]).localReadyEndpoints, 1);
});
