// Who has one address, and who may join: one Service alone, or several that share it by a common key.
import type { Address } from '../model/address.ts';
import type { Labels } from '../model/selector.ts';
import type { Service, ServiceKey } from '../model/service.ts';
import type { PoolState } from './pool-index.ts';
import { type PortKey, portKey } from './port-key.ts';
import type { SharingConflict } from './reason.ts';

/** What decides whether a Service may share an address. */
export interface SharingTerms {
  readonly key: string;
  readonly ports: readonly PortKey[];
  /** externalTrafficPolicy is Local. */
  readonly local: boolean;
  /** The pod selector in a form that can be compared. */
  readonly selector: string;
}

/** Undefined for a Service that shares with nobody. */
export function sharingTerms(service: Service): SharingTerms | undefined {
  const key = service.request.sharingKey;
  if (key === undefined) return undefined;
  return {
    key,
    ports: [...new Set(service.ports.map(portKey))],
    local: service.externalTrafficPolicy === 'Local',
    selector: comparable(service.selector),
  };
}

const comparable = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort());

export type Holding = SoleHolding | SharedHolding;

export interface SoleHolding {
  readonly kind: 'sole';
  readonly address: Address;
  readonly pool: PoolState;
  readonly service: ServiceKey;
}

export interface SharedHolding {
  readonly kind: 'shared';
  readonly address: Address;
  readonly pool: PoolState;
  readonly key: string;
  readonly members: Map<ServiceKey, SharingTerms>;
  readonly ports: Map<PortKey, ServiceKey>;
  /** How many members have externalTrafficPolicy Local. */
  locals: number;
  /** How many members have each selector. */
  readonly selectors: Map<string, number>;
}

export const createSharedHolding = (address: Address, pool: PoolState, key: string): SharedHolding => ({
  kind: 'shared',
  address,
  pool,
  key,
  members: new Map(),
  ports: new Map(),
  locals: 0,
  selectors: new Map(),
});

/**
 * Why a Service with these terms cannot join; undefined if it can. Members pairwise have different ports, and both
 * externalTrafficPolicy Cluster or the same selector: so all are Cluster, or all have one selector.
 */
export function sharingConflict(
  holding: Holding,
  terms: SharingTerms | undefined,
): SharingConflict | undefined {
  const { address } = holding;
  if (holding.kind === 'sole') {
    const by = holding.service;
    return terms === undefined
      ? { kind: 'address-in-use', address, by }
      : { kind: 'sharing-key-mismatch', address, by, key: terms.key, theirKey: undefined };
  }
  const by = holding.members.keys().next().value ?? '';
  if (terms === undefined) return { kind: 'address-in-use', address, by };
  if (terms.key !== holding.key)
    return { kind: 'sharing-key-mismatch', address, by, key: terms.key, theirKey: holding.key };
  for (const port of terms.ports) {
    const user = holding.ports.get(port);
    if (user !== undefined) return { kind: 'sharing-port-conflict', address, by: user, port };
  }
  if (policiesAgree(holding, terms)) return undefined;
  for (const [member, theirs] of holding.members) {
    if (theirs.selector !== terms.selector && (theirs.local || terms.local))
      return { kind: 'sharing-policy-conflict', address, by: member };
  }
  return undefined;
}

const policiesAgree = (holding: SharedHolding, terms: SharingTerms): boolean =>
  (holding.locals === 0 && !terms.local) ||
  (holding.selectors.size === 1 && holding.selectors.has(terms.selector));
