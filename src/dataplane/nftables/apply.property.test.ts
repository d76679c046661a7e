// Random tables, changes, restarts and packets: the rules do what the interpreter allows, however a table came about.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Address,
  type Cidr,
  type Family,
  parseAddress,
  parseCidr,
  sameAddress,
} from '../../model/address.ts';
import type { Protocol, ServiceKey } from '../../model/service.ts';
import {
  type AffinityState,
  decide,
  forgetWithdrawn,
  type Outcome,
  type Packet,
  remember,
  sameBackend,
} from '../interpret.ts';
import { type Backend, compareBackends, type ForwardingTable, type Frontend, frontendKey } from '../table.ts';
import { createNftablesDataPlane } from './apply.ts';
import { evaluate, type Fate } from './evaluate.ts';
import { type FakeNftables, fakeNftables, showTable } from './fake.ts';
import { noFlows } from './fake-conntrack.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
};
const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed;
};

const nodeAddresses = [address('198.51.100.1'), address('2001:db8:1::1')];
const podCidrs = [cidr('198.18.0.0/24'), cidr('2001:db8:18::/64')];

/** The first two are on this node, a pod and the node itself. */
const hosts: Readonly<Record<Family, readonly Address[]>> = {
  IPv4: ['198.18.0.5', '198.51.100.1', '198.18.1.5', '198.18.1.6', '198.18.2.7'].map(address),
  IPv6: ['2001:db8:18::5', '2001:db8:1::1', '2001:db8:19::5', '2001:db8:19::6', '2001:db8:1a::7'].map(
    address,
  ),
};
const clients: Readonly<Record<Family, readonly Address[]>> = {
  IPv4: ['203.0.113.9', '203.0.113.77', '198.18.0.5', '198.18.0.9', '198.51.100.1'].map(address),
  IPv6: ['2001:db8:9::9', '2001:db8:9:1::7', '2001:db8:18::5', '2001:db8:18::9', '2001:db8:1::1'].map(
    address,
  ),
};
const virtual: Readonly<Record<Family, readonly Address[]>> = {
  IPv4: ['192.0.2.10', '192.0.2.11'].map(address),
  IPv6: ['2001:db8:2::10', '2001:db8:2::11'].map(address),
};
const ranges: readonly Cidr[] = [
  '203.0.113.0/26',
  '203.0.113.0/24',
  '203.0.113.64/26',
  '198.18.0.0/16',
  '2001:db8:9::/64',
  '2001:db8:9::/48',
  '2001:db8:18::/64',
].map(cidr);

const family = fc.constantFrom<Family>('IPv4', 'IPv6');
const protocol = fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP');
const services: readonly ServiceKey[] = ['default/a', 'default/b', 'default/c'];

const backends = (of: Family): fc.Arbitrary<Backend[]> =>
  fc
    .subarray(
      [8080, 9090].flatMap((port) =>
        hosts[of].map((host, index): Backend => ({ address: host, port, local: index < 2 })),
      ),
    )
    .map((chosen) => chosen.toSorted(compareBackends));

/**
 * A Service's new frontends. Each Service has its own port, so that no two want the same; the first two keep their
 * family and policy, so that affinities outlive changes.
 */
const change = fc
  .record({
    index: fc.nat(services.length - 1),
    anyPolicy: fc.boolean(),
    anyFamily: family,
    goneIfZero: fc.nat(5),
  })
  .chain(
    ({
      index,
      anyPolicy,
      anyFamily,
      goneIfZero,
    }): fc.Arbitrary<readonly [ServiceKey, readonly Frontend[]]> => {
      const service = services[index] ?? '';
      if (goneIfZero === 0) return fc.constant([service, []] as const);
      const of = index === 0 ? 'IPv4' : index === 1 ? 'IPv6' : anyFamily;
      const isLocal = index === 0 ? false : index === 1 ? true : anyPolicy;
      const policy = isLocal ? ('Local' as const) : ('Cluster' as const);
      const frontend = fc
        .record({
          inside: backends(of),
          sourceRanges: fc.option(fc.subarray([...ranges]), { nil: undefined, freq: 2 }),
          affinitySeconds: fc.option(fc.constantFrom(10, 60), { nil: undefined, freq: index < 2 ? 8 : 1 }),
          protocol,
        })
        .map(
          ({ inside, sourceRanges, affinitySeconds, protocol }): Omit<Frontend, 'address'> => ({
            protocol,
            port: 80 + index,
            service,
            portName: 'http',
            policy,
            inside,
            outside: isLocal ? inside.filter(({ local }) => local) : inside,
            draining: [],
            sourceRanges: sourceRanges?.filter(({ address }) => address.family === of),
            affinity:
              affinitySeconds === undefined
                ? undefined
                : { scope: `${service}:http:${of}:${policy}`, timeoutSeconds: affinitySeconds },
          }),
        );
      return fc
        .tuple(frontend, fc.subarray([...virtual[of]], { minLength: 1 }))
        .map(
          ([shared, addresses]) => [service, addresses.map((address) => ({ ...shared, address }))] as const,
        );
    },
  );

const packet: fc.Arbitrary<Packet> = family
  .chain((of) =>
    fc.record({
      source: fc.constantFrom(...clients[of]),
      destination: fc.constantFrom(...virtual[of], ...hosts[of]),
      protocol: fc.oneof(
        { weight: 8, arbitrary: protocol },
        fc.constantFrom('echo-request' as const, 'other' as const),
      ),
      destinationPort: fc.constantFrom(80, 81, 82, 8080),
    }),
  )
  .map((rest) => ({ ...rest, from: whereFrom(rest.source) }));

/** Most packets are aimed at a frontend that there is: `aim` chooses it. */
function aimed(packet: Packet, frontends: readonly Frontend[], aim: number): Packet {
  const frontend = frontends[aim % Math.max(1, frontends.length)];
  if (frontend === undefined || aim % 8 === 0) return packet;
  const { address, protocol, port } = frontend;
  const source = clients[address.family][aim % clients[address.family].length] ?? packet.source;
  return { from: whereFrom(source), source, destination: address, protocol, destinationPort: port };
}

const whereFrom = (source: Address): Packet['from'] =>
  nodeAddresses.some((own) => sameAddress(own, source)) ? 'node' : 'network';

type Event =
  | { readonly kind: 'change'; readonly changes: readonly (readonly [ServiceKey, readonly Frontend[]])[] }
  | { readonly kind: 'packet'; readonly packet: Packet; readonly aim: number; readonly seed: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'restart' };

const changes = fc.array(change, { minLength: 1, maxLength: 3 });
const seconds = fc.constantFrom(4, 11, 61);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('change' as const), changes }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('packet' as const),
      packet,
      aim: fc.nat(10_000),
      seed: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** The same numbers for the same seed. */
function draws(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % bound;
  };
}

function outcomeOf(fate: Fate): Outcome {
  switch (fate.kind) {
    case 'drop':
    case 'reject':
      return { kind: fate.kind };
    case 'redirect':
      return { kind: 'echo' };
    case 'untouched':
      return { kind: 'pass' };
    case 'translated': {
      const { destination, port, masqueraded } = fate;
      return {
        kind: 'forward',
        backend: { address: destination, port, local: false },
        source: masqueraded ? 'node' : 'client',
      };
    }
    default:
      return fate satisfies never;
  }
}

const isSame = (a: Outcome, b: Outcome): boolean =>
  a.kind === 'forward' && b.kind === 'forward'
    ? sameBackend(a.backend, b.backend) && a.source === b.source
    : a.kind === b.kind;

const openDataPlane = (port: FakeNftables) =>
  createNftablesDataPlane({ port, conntrack: noFlows, graceMilliseconds: 0, transactionElements: 20 });

/** The table without session affinity's own maps and chains, some of which may still wait for their end. */
function showPlanned({ table }: FakeNftables): string {
  const planned = ([name]: readonly [string, unknown]): boolean =>
    !/^(affinity|sticky|remember)[46]-/.test(name);
  return showTable(
    table && {
      chains: new Map([...table.chains].filter(planned)),
      sets: new Map([...table.sets].filter(planned)),
    },
  );
}

test('the rules give each packet an outcome that the interpreter allows, over changes and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 50, size: 'max' }), async (events) => {
      const fake = fakeNftables();
      let dataPlane = openDataPlane(fake);
      await dataPlane.setPodCidrs(podCidrs);
      const wanted = new Map<ServiceKey, readonly Frontend[]>();
      await dataPlane.sync(wanted, 'everything');
      let state: AffinityState = new Map();
      let nowSeconds = 1000;
      const table = (): ForwardingTable => ({
        node: { addresses: nodeAddresses, podCidrs },
        frontends: new Map([...wanted.values()].flat().map((one) => [frontendKey(one), one])),
      });

      for (const event of events) {
        switch (event.kind) {
          case 'change': {
            for (const [service, frontends] of event.changes) wanted.set(service, frontends);
            const { failed } = await dataPlane.sync(new Map(event.changes), 'changes');
            assert.deepEqual([...failed], []);
            state = forgetWithdrawn(table(), state);
            break;
          }
          case 'packet': {
            const packet = aimed(event.packet, [...wanted.values()].flat(), event.aim);
            const allowed = decide(table(), state, packet, nowSeconds);
            const random = draws(event.seed);
            const fate = evaluate(fake, packet, { addresses: nodeAddresses, nowSeconds, random });
            const outcome = outcomeOf(fate);
            assert.ok(
              allowed.some((one) => isSame(one, outcome)),
              `${JSON.stringify(outcome, plain)} is none of ${JSON.stringify(allowed, plain)}`,
            );
            state = remember(table(), state, packet, outcome, nowSeconds);
            break;
          }
          case 'wait':
            nowSeconds += event.seconds;
            break;
          case 'restart':
            await dataPlane[Symbol.asyncDispose]();
            dataPlane = openDataPlane(fake);
            await dataPlane.adopt();
            await dataPlane.setPodCidrs(podCidrs);
            await dataPlane.sync(wanted, 'everything');
            break;
          default:
            event satisfies never;
        }
      }

      const audit = await dataPlane.audit('full');
      assert.deepEqual([audit.repaired, [...audit.failed]], [0, []]);
      await dataPlane[Symbol.asyncDispose]();
      const atOnce = fakeNftables();
      await using another = openDataPlane(atOnce);
      await another.setPodCidrs(podCidrs);
      await another.sync(wanted, 'everything');
      assert.equal(showPlanned(fake), showPlanned(atOnce));
    }),
    { numRuns: 60 },
  );
});

const plain = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString(16) : value;
