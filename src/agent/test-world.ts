// Objects for the agent's tests, as changes of a source: all in the namespace `web`, and good for forwarding.
import { type Address, parseAddress } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint-slice.ts';
import { sampleService } from '../model/sample.ts';
import type { Change } from '../model/world.ts';

type ChangeOf<K extends Change['kind']> = Extract<Change, { readonly kind: K }>;

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is not an address`);
  return parsed;
}

export const node = (name: string, addresses: readonly string[] = []): ChangeOf<'Node'> => ({
  kind: 'Node',
  key: name,
  object: {
    name,
    labels: {},
    addresses: addresses.map(address),
    podCidrs: [],
    networkUnavailable: false,
    isMember: true,
  },
});

/** 192.0.2.0/24, 198.18.0.0/15 and 2001:db8::/32. */
export const pool = (): ChangeOf<'IPAddressPool'> => ({
  kind: 'IPAddressPool',
  key: 'pool',
  object: {
    name: 'pool',
    labels: {},
    ranges: [
      { first: address('192.0.2.0'), last: address('192.0.2.255') },
      { first: address('198.18.0.0'), last: address('198.19.255.255') },
      { first: address('2001:db8::'), last: address('2001:db8:ffff::') },
    ],
    autoAssign: true,
    avoidBuggyIPs: false,
    serviceAllocation: undefined,
    probe: 'background',
  },
});

export const advertisement = (spread = false): ChangeOf<'L2Advertisement'> => ({
  kind: 'L2Advertisement',
  key: 'all',
  object: {
    name: 'all',
    labels: {},
    pools: [],
    poolSelectors: [],
    nodeSelectors: [],
    interfaces: [],
    serviceSelectors: [],
    preferredNodeSelectors: [],
    spread,
  },
});

/** Port 80 by TCP; without addresses it has none yet. */
export const service = (
  name: string,
  addresses: readonly string[],
  more: Partial<ChangeOf<'Service'>['object']> = {},
): ChangeOf<'Service'> => ({
  kind: 'Service',
  key: `web/${name}`,
  object: sampleService(`web/${name}`, {
    allocated: { addresses: addresses.map(address), pool: addresses.length === 0 ? undefined : 'pool' },
    ...more,
  }),
});

export interface FixtureEndpoint {
  readonly node: string | undefined;
  readonly ready?: boolean;
  /** Default: 203.0.113.1 and on. */
  readonly address?: string;
}

/** The Service's only IPv4 slice: port 8080 of these endpoints. */
export const slice = (name: string, endpoints: readonly FixtureEndpoint[]): ChangeOf<'EndpointSlice'> => ({
  kind: 'EndpointSlice',
  key: `web/${name}-1`,
  object: {
    key: `web/${name}-1`,
    service: `web/${name}`,
    family: 'IPv4',
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints: endpoints.map(
      ({ node: nodeName, ready = true, address: text }, index): Endpoint => ({
        address: address(text ?? `203.0.113.${index + 1}`),
        ready,
        serving: ready,
        terminating: false,
        nodeName,
        zone: undefined,
      }),
    ),
    healthCheck: undefined,
  },
});
