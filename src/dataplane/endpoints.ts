// Which endpoints of a Service port are used: ready or else serving while terminating, alive or else all.
import { type Address, type Family, formatAddress } from '../model/address.ts';
import type { EndpointSlice, EndpointSliceKey } from '../model/endpoint-slice.ts';
import type { Protocol } from '../model/service.ts';
import { type Backend, compareBackends } from './table.ts';

/** An endpoint's port, with all that decides whether it is used. */
export interface Candidate {
  readonly backend: Backend;
  readonly nodeName: string | undefined;
  readonly ready: boolean;
  /** Terminating, but still serving. */
  readonly servingTerminating: boolean;
  readonly nodeIsDead: boolean;
}

export interface EndpointContext {
  /** This node's name. */
  readonly node: string;
  /** Nodes that membership calls dead. This node itself counts as alive. */
  readonly deadNodes: ReadonlySet<string>;
  /** Endpoints whose check (ours, where nobody else probes) fails. */
  readonly unhealthy: ReadonlySet<EndpointHealthKey>;
}

/** An endpoint of a slice that has a check. */
export type EndpointHealthKey = string;
export const endpointHealthKey = (slice: EndpointSliceKey, address: Address): EndpointHealthKey =>
  `${slice} ${formatAddress(address)}`;

/**
 * All endpoints of the slices with that port name, protocol and family, by address and port. One that is in two
 * slices (it moves between them) counts once, with the better of its states.
 */
export function candidatesOf(
  slices: Iterable<EndpointSlice>,
  port: { readonly name: string; readonly protocol: Protocol; readonly family: Family },
  publishNotReady: boolean,
  context: EndpointContext,
): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.family !== port.family) continue;
    for (const slicePort of slice.ports) {
      if (slicePort.name !== port.name || slicePort.protocol !== port.protocol) continue;
      for (const endpoint of slice.endpoints) {
        const { address, nodeName } = endpoint;
        const healthy =
          slice.healthCheck === undefined || !context.unhealthy.has(endpointHealthKey(slice.key, address));
        const local = nodeName === context.node;
        const candidate: Candidate = {
          backend: { address, port: slicePort.port, local },
          nodeName,
          ready: publishNotReady || (endpoint.ready && healthy),
          servingTerminating: endpoint.serving && endpoint.terminating && healthy,
          nodeIsDead: nodeName !== undefined && !local && context.deadNodes.has(nodeName),
        };
        const key = `${address.value} ${slicePort.port}`;
        const other = found.get(key);
        if (other === undefined || rank(candidate) < rank(other)) found.set(key, candidate);
      }
    }
  }
  return [...found.values()].sort((a, b) => compareBackends(a.backend, b.backend));
}

/**
 * The candidates to send new connections to: the ready ones; else those that serve while they terminate; and only
 * where no living node has either, the same of dead nodes.
 */
export function usable(candidates: readonly Candidate[]): readonly Candidate[] {
  const best = candidates.reduce((least, candidate) => Math.min(least, rank(candidate)), unusable);
  return best === unusable ? [] : candidates.filter((candidate) => rank(candidate) === best);
}

const unusable = 4;

function rank(candidate: Candidate): number {
  const state = candidate.ready ? 0 : candidate.servingTerminating ? 1 : unusable;
  return state === unusable ? unusable : state + (candidate.nodeIsDead ? 2 : 0);
}
