// What must go with an endpoint that stops serving: the UDP flows and the session affinities that lead to it.
import { affinityMap, stickyChain } from './affinity.ts';
import { commitPatiently } from './apply-steps.ts';
import { endpointBytes, familyOfKey } from './compile.ts';
import type { ConntrackPort } from './conntrack-port.ts';
import { type ByteString, type Element, packElements } from './elements.ts';
import { familyLayouts } from './family.ts';
import type { SetDefinition } from './operation.ts';
import type { NftablesPort } from './port.ts';
import { affinityScopeId } from './shared-object.ts';
import { changedServing, isStale } from './stale-flows.ts';
import type { FrontendChange, TableState } from './table-state.ts';

/** From so many frontends on, one look at all UDP flows costs less than a filtered one for each. */
const manyFrontends = 4;

/** Ends the UDP flows that a change leaves without their endpoint; returns how many. */
export async function endStaleFlows(
  conntrack: ConntrackPort,
  changes: readonly FrontendChange[],
  pause: () => Promise<void>,
): Promise<number> {
  const serving = changedServing(changes);
  let ended = 0;
  for (const { family, addressLength } of familyLayouts) {
    const destinations = [...serving.keys()].filter(
      (destination) => destination.length === addressLength + 4,
    );
    const wanted: readonly (ByteString | undefined)[] =
      destinations.length < manyFrontends ? destinations : [undefined];
    for (const destination of wanted) {
      const stale = [];
      for (const flows of conntrack.udpFlows(family, destination)) {
        stale.push(...flows.filter((flow) => isStale(flow, serving)));
        await pause();
      }
      if (stale.length > 0) ended += conntrack.delete(stale);
    }
  }
  return ended;
}

/** Forgets clients whose endpoint is not offered any more, so that their next connection goes elsewhere. */
export async function forgetWithdrawn(
  port: NftablesPort,
  state: TableState,
  changes: readonly FrontendChange[],
  pause: () => Promise<void>,
): Promise<void> {
  const offered = new Map<string, { readonly set: SetDefinition; readonly endpoints: Set<ByteString> }>();
  for (const { key, after, touched } of changes) {
    if (!touched || after?.affinity === undefined) continue;
    const family = familyOfKey(key);
    if (!state.present.has(affinityScopeId(stickyChain(family, after.affinity)))) continue;
    const set = affinityMap(family, after.affinity);
    const scope = offered.get(set.name) ?? { set, endpoints: new Set() };
    offered.set(set.name, scope);
    for (const backend of [...after.inside, ...after.outside]) scope.endpoints.add(endpointBytes(backend));
  }
  for (const [name, { set, endpoints }] of offered) {
    // One may expire between reading and deleting it, which fails the transaction: look again.
    for (let attempt = 0; attempt < 3; attempt++) {
      const stale: Element[] = [];
      for (const part of port.elements(set))
        stale.push(...part.filter(({ data }) => !endpoints.has(data ?? '')));
      await pause();
      if (stale.length === 0) break;
      const result = await commitPatiently(port, [
        { op: 'delete-elements', set: name, elements: packElements(set, stale) },
      ]);
      if (result.ok) break;
    }
  }
}
