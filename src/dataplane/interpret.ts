// What a forwarding table means: the outcomes it allows for a packet. Slow and plain; every compiler is held to it.
import { type Address, cidrContains, formatAddress, sameAddress } from '../model/address.ts';
import type { Protocol } from '../model/service.ts';
import type { Affinity, Backend, ForwardingTable, Frontend } from './table.ts';
import { frontendKey } from './table.ts';

/** A packet that begins something: the later packets of a flow go where its first one went. */
export interface Packet {
  /** `network`: it came in by an interface. `node`: a process of this node sent it. */
  readonly from: 'network' | 'node';
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol | 'echo-request' | 'other';
  /** 0 for protocols without ports. */
  readonly destinationPort: number;
}

export type Outcome =
  /** Not for one of our addresses: untouched. */
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'forward';
      readonly backend: Backend;
      /** Whose address the backend sees. */
      readonly source: 'client' | 'node';
    }
  /** Answered with a TCP reset or an ICMP error. */
  | { readonly kind: 'reject' }
  | { readonly kind: 'drop' }
  /** An echo request, answered by this node in the address's name. */
  | { readonly kind: 'echo' };

/** What earlier packets left behind: by affinity scope and client, the backend and until when it is kept. */
export type AffinityState = ReadonlyMap<string, { readonly backend: Backend; readonly untilSeconds: number }>;

/** All outcomes that the table allows. More than one where a backend is chosen at random. */
export function decide(
  table: ForwardingTable,
  state: AffinityState,
  packet: Packet,
  nowSeconds: number,
): readonly Outcome[] {
  const ours = [...table.frontends.values()].some((frontend) =>
    sameAddress(frontend.address, packet.destination),
  );
  if (!ours) return [{ kind: 'pass' }];
  const isOwn = table.node.addresses.some((address) => sameAddress(address, packet.destination));
  if (packet.protocol === 'echo-request') return [{ kind: 'echo' }];

  const frontend = frontendOf(table, packet);
  // A node's own address may be an announced one too: then the node itself answers what no Service does.
  if (frontend === undefined) return [{ kind: isOwn ? 'pass' : 'reject' }];

  const ranges = frontend.sourceRanges;
  if (ranges !== undefined && !ranges.some((cidr) => cidrContains(cidr, packet.source)))
    return [{ kind: 'drop' }];

  const fromPod = table.node.podCidrs.some((cidr) => cidrContains(cidr, packet.source));
  const isInside = packet.from === 'node' || fromPod;
  const backends = isInside ? frontend.inside : frontend.outside;
  if (frontend.inside.length === 0) return [{ kind: 'reject' }];
  if (backends.length === 0) return [{ kind: 'drop' }];

  const kept = keptBackend(frontend.affinity, state, packet.source, nowSeconds);
  const stillThere = backends.find((backend) => kept !== undefined && sameBackend(backend, kept));
  return (stillThere === undefined ? backends : [stillThere]).map((backend) => ({
    kind: 'forward',
    backend,
    source: isMasqueraded(table, frontend, packet, backend) ? 'node' : 'client',
  }));
}

/** The affinity state after a packet had this outcome. */
export function remember(
  table: ForwardingTable,
  state: AffinityState,
  packet: Packet,
  outcome: Outcome,
  nowSeconds: number,
): AffinityState {
  const affinity = frontendOf(table, packet)?.affinity;
  if (affinity === undefined || outcome.kind !== 'forward') return state;
  const untilSeconds = nowSeconds + affinity.timeoutSeconds;
  return new Map(state).set(stateKey(affinity, packet.source), { backend: outcome.backend, untilSeconds });
}

/** The affinity state after the table changed: who was kept at a backend that its Service offers no more is free. */
export function forgetWithdrawn(table: ForwardingTable, state: AffinityState): AffinityState {
  const isOffered = (key: string, backend: Backend): boolean =>
    [...table.frontends.values()].some(
      ({ affinity, inside, outside }) =>
        affinity !== undefined &&
        key.startsWith(`${affinity.scope} `) &&
        [...inside, ...outside].some((offered) => sameBackend(offered, backend)),
    );
  return new Map([...state].filter(([key, { backend }]) => isOffered(key, backend)));
}

export const sameBackend = (a: Backend, b: Backend): boolean =>
  sameAddress(a.address, b.address) && a.port === b.port;

function frontendOf(table: ForwardingTable, packet: Packet): Frontend | undefined {
  const { protocol, destination: address, destinationPort: port } = packet;
  if (protocol === 'echo-request' || protocol === 'other') return undefined;
  return table.frontends.get(frontendKey({ address, protocol, port }));
}

/**
 * Under Cluster, so that replies come back this way; under Local only the node's own traffic, whose source address
 * may not be one that a pod's reply finds back, and a pod that reaches itself.
 */
function isMasqueraded(
  table: ForwardingTable,
  frontend: Frontend,
  packet: Packet,
  backend: Backend,
): boolean {
  if (packet.from === 'node') return true;
  const isDelivered = table.node.addresses.some((address) => sameAddress(address, backend.address));
  if (isDelivered) return false;
  return frontend.policy === 'Cluster' || (backend.local && sameAddress(packet.source, backend.address));
}

function keptBackend(
  affinity: Affinity | undefined,
  state: AffinityState,
  client: Address,
  nowSeconds: number,
): Backend | undefined {
  const entry = affinity && state.get(stateKey(affinity, client));
  return entry !== undefined && nowSeconds < entry.untilSeconds ? entry.backend : undefined;
}

const stateKey = (affinity: Affinity, client: Address): string =>
  `${affinity.scope} ${formatAddress(client)}`;
