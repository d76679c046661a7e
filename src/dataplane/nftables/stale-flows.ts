// Which UDP flows to end after a change: conntrack would keep sending them to an endpoint that does not serve any more.
import type { Frontend } from '../table.ts';
import { endpointBytes, udpDestination } from './compile.ts';
import type { UdpFlow } from './conntrack-port.ts';
import type { ByteString } from './elements.ts';
import type { FrontendChange } from './table-state.ts';

/** By a frontend's address and port, the endpoints whose flows may go on. */
export type Serving = ReadonlyMap<ByteString, ReadonlySet<ByteString>>;

/**
 * The UDP frontends that lost an endpoint, that are gone, or that are new: a client may have sent to a new one before
 * it was programmed, and its flow, translated by nobody, would never come to an endpoint.
 */
export function changedServing(changes: readonly FrontendChange[]): Serving {
  const serving = new Map<ByteString, ReadonlySet<ByteString>>();
  for (const { key, before, after, touched } of changes) {
    const destination = udpDestination(key);
    if (destination === undefined) continue;
    const now = after === undefined ? new Set<ByteString>() : servingEndpoints(after);
    const isAffected =
      before === undefined ? touched : [...servingEndpoints(before)].some((one) => !now.has(one));
    if (isAffected) serving.set(destination, now);
  }
  return serving;
}

export const isStale = (flow: UdpFlow, serving: Serving): boolean =>
  serving.get(flow.destination)?.has(flow.endpoint) === false;

const servingEndpoints = ({ outside, inside, draining }: Frontend): Set<ByteString> =>
  new Set([...outside, ...inside, ...draining].map(endpointBytes));
