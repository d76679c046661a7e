// One Service in `gantry status`: what it has, who answers for it, and the first thing that is missing.
import { type ClassPolicy, notOurs } from '../../ipam/class-policy.ts';
import { formatAddress } from '../../model/address.ts';
import type { Service } from '../../model/service.ts';
import type { NodeState } from '../node-state.ts';
import type { Snapshot } from '../snapshot.ts';

export type ServiceState = 'answering' | 'pending' | 'no-endpoints' | 'not-announced' | 'not-forwarded';

/** `by-others`: another Service proxy forwards. `unknown`: nobody who answers reports. */
export type DataPath = 'ok' | 'failing' | 'by-others' | 'unknown';

export interface ServiceRow {
  readonly service: string;
  readonly addresses: readonly string[];
  readonly pool: string | null;
  /** Living nodes that answer for it, or announce it by BGP. */
  readonly owners: readonly string[];
  /** By owner, how many shares it has of the first address that is spread over nodes; empty where none is. */
  readonly shares: Readonly<Record<string, number>>;
  readonly dataPath: DataPath;
  /** Of one family. */
  readonly endpoints: { readonly ready: number; readonly total: number };
  readonly state: ServiceState;
  /** Why it is not answering, as a sentence; empty where it is. */
  readonly reason: string;
}

/** The Services that are ours, by key. */
export function serviceRows(
  snapshot: Snapshot,
  policy: ClassPolicy,
  states: ReadonlyMap<string, NodeState>,
): ServiceRow[] {
  return [...snapshot.world.services.values()]
    .filter((service) => notOurs(service, policy) === undefined)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((service) => serviceRow(snapshot, service, states));
}

function serviceRow(
  snapshot: Snapshot,
  service: Service,
  states: ReadonlyMap<string, NodeState>,
): ServiceRow {
  const { key, allocated } = service;
  const announcing = snapshot.announcements.get(key) ?? [];
  const owning = announcing.map(({ node }) => node);
  const owners = [...new Set([...owning, ...(snapshot.bgpAnnouncers.get(key) ?? [])])]
    .flatMap((node) => states.get(node) ?? [])
    .filter(({ state }) => state !== 'dead');
  const endpoints = endpointCounts(snapshot, service);
  const dataPath = dataPathOf(key, owners);
  const { state, reason } = judge(snapshot, service, owners, endpoints, dataPath);
  return {
    service: key,
    addresses: allocated.addresses.map(formatAddress),
    pool: allocated.pool ?? null,
    owners: owners.map(({ name }) => name).sort(),
    shares: Object.fromEntries(
      announcing.flatMap(({ node, shares }) =>
        [...shares.values()].slice(0, 1).map((count) => [node, count]),
      ),
    ),
    dataPath,
    endpoints,
    state,
    reason,
  };
}

function endpointCounts({ world }: Snapshot, service: Service): ServiceRow['endpoints'] {
  const slices = [...(world.slicesOfService.get(service.key)?.values() ?? [])];
  const family = service.allocated.addresses[0]?.family ?? slices[0]?.family;
  const endpoints = slices.filter((slice) => slice.family === family).flatMap((slice) => slice.endpoints);
  const ready = endpoints.filter((endpoint) => endpoint.ready || service.publishNotReadyAddresses);
  return { ready: ready.length, total: endpoints.length };
}

function dataPathOf(service: string, owners: readonly NodeState[]): DataPath {
  const planes = owners.flatMap(({ report }) => report?.dataPlane ?? []);
  const fails = ({ healthy, failed }: (typeof planes)[number]): boolean =>
    !healthy || failed.some((entry) => entry.service === service);
  if (planes.length === 0) return 'unknown';
  if (planes.some(fails)) return 'failing';
  return planes.some(({ mode }) => mode === 'none') ? 'by-others' : 'ok';
}

/** `gantry why` looks deeper; this takes one look at each of a thousand Services. */
function judge(
  { complaints }: Snapshot,
  { key, allocated }: Service,
  owners: readonly NodeState[],
  endpoints: ServiceRow['endpoints'],
  dataPath: DataPath,
): Pick<ServiceRow, 'state' | 'reason'> {
  const complaint = complaints.get(key)?.message ?? '';
  if (allocated.addresses.length === 0) {
    const unseen = 'No controller has looked at it yet: start gantry controller.';
    return { state: 'pending', reason: complaint === '' ? unseen : complaint };
  }
  if (endpoints.ready === 0) return { state: 'no-endpoints', reason: 'It has no ready endpoint.' };
  if (owners.length === 0) return { state: 'not-announced', reason: `See gantry why ${key}.` };
  if (dataPath === 'failing') return { state: 'not-forwarded', reason: `See gantry why ${key}.` };
  return { state: 'answering', reason: complaint };
}
