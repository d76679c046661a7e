// Which Services want which frontends, so that two wanting the same find each other without a search.
import type { Service, ServiceKey } from '../model/service.ts';
import type { World } from '../model/world.ts';
import { type FrontendKey, frontendKey } from './table.ts';

export interface Claims {
  readonly byFrontend: Map<FrontendKey, readonly ServiceKey[]>;
  readonly byService: Map<ServiceKey, readonly FrontendKey[]>;
}

export const emptyClaims = (): Claims => ({ byFrontend: new Map(), byService: new Map() });

/**
 * Brings a Service's claims up to date (undefined: it is gone or not ours). Returns the other Services that wanted
 * or want the same frontends: they must be planned again.
 */
export function updateClaims(claims: Claims, key: ServiceKey, service: Service | undefined): Set<ServiceKey> {
  const others = new Set<ServiceKey>();
  const withoutKey = (frontend: FrontendKey): readonly ServiceKey[] =>
    (claims.byFrontend.get(frontend) ?? []).filter((claimant) => claimant !== key);

  for (const frontend of claims.byService.get(key) ?? []) {
    const rest = withoutKey(frontend);
    for (const other of rest) others.add(other);
    if (rest.length === 0) claims.byFrontend.delete(frontend);
    else claims.byFrontend.set(frontend, rest);
  }
  const wanted = service === undefined ? [] : wantedFrontends(service);
  for (const frontend of wanted) {
    const rest = withoutKey(frontend);
    for (const other of rest) others.add(other);
    claims.byFrontend.set(frontend, [...rest, key]);
  }
  if (wanted.length === 0) claims.byService.delete(key);
  else claims.byService.set(key, wanted);
  return others;
}

/** Who has the frontend: the oldest claimant, the first by key among equals. Undefined where nobody wants it. */
export function ownerOfFrontend(claims: Claims, frontend: FrontendKey, world: World): ServiceKey | undefined {
  const claimants = claims.byFrontend.get(frontend) ?? [];
  const age = (key: ServiceKey): number => {
    const created = world.services.get(key)?.creationTimestamp;
    return created === undefined ? Number.POSITIVE_INFINITY : Date.parse(created);
  };
  return claimants.toSorted((a, b) => {
    const [ageOfA, ageOfB] = [age(a), age(b)];
    return ageOfA === ageOfB ? (a < b ? -1 : 1) : ageOfA - ageOfB;
  })[0];
}

const wantedFrontends = (service: Service): readonly FrontendKey[] =>
  service.type !== 'LoadBalancer'
    ? []
    : service.allocated.addresses.flatMap((address) =>
        service.ports.map(({ protocol, port }) => frontendKey({ address, protocol, port })),
      );
