// Why a Service has no address, has fewer than it could, or lost one: the reasons and their sentences.
import { type Address, type Family, formatAddress } from '../model/address.ts';
import { type Sentences, sentence } from '../model/reason.ts';
import type { ServiceKey } from '../model/service.ts';
import { formatPort, type PortKey } from './port-key.ts';

/** Why one pool is not for a Service. */
export type PoolRefusal =
  | { readonly kind: 'not-auto-assign' }
  | { readonly kind: 'not-asked-for' }
  | { readonly kind: 'address-unavailable' }
  | { readonly kind: 'namespace-not-allowed'; readonly namespace: string }
  | { readonly kind: 'labels-not-selected' }
  | { readonly kind: 'no-family'; readonly family: Family }
  | { readonly kind: 'no-free-address'; readonly family: Family; readonly size: bigint };

export interface RefusedPool {
  readonly pool: string;
  readonly refusal: PoolRefusal;
}

/** Why a Service is not Gantry's to give an address to. */
export type NotOursReason =
  | { readonly kind: 'not-load-balancer'; readonly type: string }
  | {
      readonly kind: 'other-class';
      readonly loadBalancerClass: string;
      readonly configured: string | undefined;
    }
  | { readonly kind: 'class-required'; readonly configured: string | undefined };

/** Why two Services cannot have one address. `by` is the Service that has it. */
export type SharingConflict =
  | { readonly kind: 'address-in-use'; readonly address: Address; readonly by: ServiceKey }
  | {
      readonly kind: 'sharing-key-mismatch';
      readonly address: Address;
      readonly by: ServiceKey;
      readonly key: string;
      /** Undefined: it shares with nobody. */
      readonly theirKey: string | undefined;
    }
  | {
      readonly kind: 'sharing-port-conflict';
      readonly address: Address;
      readonly by: ServiceKey;
      readonly port: PortKey;
    }
  | { readonly kind: 'sharing-policy-conflict'; readonly address: Address; readonly by: ServiceKey };

/** Why an address is not one that the Service may have, whoever has it. */
export type AddressRefusal =
  | { readonly kind: 'address-not-in-pools'; readonly address: Address }
  | {
      readonly kind: 'address-not-in-pool';
      readonly address: Address;
      readonly pool: string;
      readonly actualPool: string;
    }
  | { readonly kind: 'address-avoided'; readonly address: Address; readonly pool: string }
  | { readonly kind: 'pool-not-for-service'; readonly pool: string; readonly refusal: PoolRefusal };

/** Why an address that a Service had does not suit the Service any more. */
export type ClaimRefusal =
  | { readonly kind: 'family-not-wanted'; readonly address: Address }
  | { readonly kind: 'address-not-asked-for'; readonly address: Address; readonly askedFor: Address }
  | {
      readonly kind: 'addresses-in-two-pools';
      readonly address: Address;
      readonly pool: string;
      readonly actualPool: string;
    }
  | { readonly kind: 'incomplete'; readonly address: Address; readonly missing: AllocationReason };

export type AllocationReason =
  | SharingConflict
  | AddressRefusal
  | ClaimRefusal
  | NotOursReason
  | { readonly kind: 'invalid-request'; readonly problem: string }
  | { readonly kind: 'no-pools' }
  | { readonly kind: 'pool-not-found'; readonly pool: string }
  | { readonly kind: 'family-not-in-pool'; readonly pool: string; readonly family: Family }
  | {
      readonly kind: 'pool-exhausted';
      readonly pool: string;
      readonly family: Family;
      readonly size: bigint;
      /** So many of them strangers use. */
      readonly strangers: number;
    }
  | {
      readonly kind: 'address-of-stranger';
      readonly address: Address;
      readonly mac: string;
      /** Which found it. */
      readonly node: string;
    }
  /** `address`: the one that is asked for. */
  | { readonly kind: 'probe-pending'; readonly pool: string; readonly address: Address | undefined }
  | { readonly kind: 'pools-exhausted'; readonly pools: readonly string[]; readonly family: Family }
  | { readonly kind: 'no-eligible-pool'; readonly pools: readonly RefusedPool[] }
  | { readonly kind: 'dual-stack-unavailable'; readonly pools: readonly RefusedPool[] }
  | { readonly kind: 'address-family-mismatch'; readonly address: Address; readonly family: Family }
  | { readonly kind: 'two-addresses-single-stack' };

const poolSentences: Sentences<PoolRefusal> = {
  'not-auto-assign': () => 'gives addresses only to who asks for it (autoAssign is false)',
  'not-asked-for': () => 'the Service asks for another pool, or for an address of another',
  'address-unavailable': () => 'cannot give the address that the Service asks for',
  'namespace-not-allowed': ({ namespace }) =>
    `its serviceAllocation does not allow the namespace ${namespace}`,
  'labels-not-selected': () => 'its serviceSelectors do not match the labels of the Service',
  'no-family': ({ family }) => `has no ${family} addresses`,
  'no-free-address': ({ family, size }) => {
    if (size === 0n) return `has no ${family} address that it may give`;
    return size === 1n
      ? `its only ${family} address is in use`
      : `all of its ${size} ${family} addresses are in use`;
  },
};

/** A clause without subject or full stop, as in `pool X: CLAUSE`. */
export const poolRefusalClause = (refusal: PoolRefusal): string => sentence(poolSentences, refusal);

/** At most ten, for events and statuses have a limit. */
function listPools(pools: readonly RefusedPool[]): string {
  const clauses = pools.slice(0, 10).map(({ pool, refusal }) => `${pool}: ${poolRefusalClause(refusal)}`);
  return [...clauses, ...(pools.length > 10 ? [`and ${pools.length - 10} more`] : [])].join('; ');
}

const sharingKeyAnnotation = 'metallb.io/allow-shared-ip';

const sentences: Sentences<AllocationReason> = {
  'not-load-balancer': ({ type }) =>
    `The Service is of type ${type}; set spec.type to LoadBalancer for it to get an address.`,
  'other-class': ({ loadBalancerClass, configured }) =>
    configured === undefined
      ? `The Service's loadBalancerClass ${loadBalancerClass} is another load balancer's; remove the class, or start the controller with --load-balancer-class ${loadBalancerClass}.`
      : `The Service's loadBalancerClass ${loadBalancerClass} is another load balancer's; set it to ${configured} for Gantry to serve the Service.`,
  'class-required': ({ configured }) =>
    `The Service has no loadBalancerClass, and the controller serves only Services with one; set spec.loadBalancerClass to ${configured ?? 'the class given to --load-balancer-class'}.`,
  'invalid-request': ({ problem }) => `The Service asks for what cannot be: ${problem}`,
  'no-pools': () => 'There is no IPAddressPool; create one with addresses that your network leaves free.',
  'pool-not-found': ({ pool }) =>
    `The Service asks for the pool ${pool}, which does not exist; create it or correct the annotation metallb.io/address-pool.`,
  'pool-not-for-service': ({ pool, refusal }) =>
    `The pool ${pool} is not for this Service: ${poolRefusalClause(refusal)}; change the pool's serviceAllocation, or use another pool.`,
  'family-not-in-pool': ({ pool, family }) =>
    `The pool ${pool} has no ${family} addresses; add an ${family} range to it, or change spec.ipFamilies.`,
  'pool-exhausted': ({ pool, family, size, strangers }) =>
    `The pool ${pool} is exhausted: ${poolRefusalClause({ kind: 'no-free-address', family, size })}${strangers === 0 ? '' : ` (${strangers} by machines that are not Gantry's: see its AddressProbes)`}; add a range to the pool, or delete a Service that uses it.`,
  'address-of-stranger': ({ address, mac, node }) =>
    `The address ${formatAddress(address)} is in use by a machine that is not Gantry's: ${mac} answers for it, as ${node} has heard; take it from that machine, or ask for another.`,
  'probe-pending': ({ pool, address }) =>
    address === undefined
      ? `No free address of the pool ${pool} has been probed yet, which its annotation gantry.dev/probe asks for; wait some seconds, and see that the agents run.`
      : `The address ${formatAddress(address)} has not been probed yet, which the annotation gantry.dev/probe of the pool ${pool} asks for; wait some seconds, and see that the agents run.`,
  'pools-exhausted': ({ pools, family }) =>
    `The pools ${pools.join(', ')} have no free ${family} address; add a range to one of them, or delete a Service that uses them.`,
  'no-eligible-pool': ({ pools }) =>
    `No pool is for this Service (${listPools(pools)}); add a pool that is, or name one in the annotation metallb.io/address-pool.`,
  'dual-stack-unavailable': ({ pools }) =>
    `The Service requires an IPv4 and an IPv6 address, and no one pool has both for it (${listPools(pools)}); add the missing range to a pool, or set ipFamilyPolicy to PreferDualStack.`,
  'address-not-in-pools': ({ address }) =>
    `The address ${formatAddress(address)} is in no IPAddressPool; add it to one, or ask for another.`,
  'address-not-in-pool': ({ address, pool, actualPool }) =>
    `The address ${formatAddress(address)} is in the pool ${actualPool}, but the Service asks for the pool ${pool}; correct one of the two annotations.`,
  'address-avoided': ({ address, pool }) =>
    `The address ${formatAddress(address)} ends in .0 or .255, which the pool ${pool} never gives (avoidBuggyIPs); ask for another, or set avoidBuggyIPs to false.`,
  'address-in-use': ({ address, by }) =>
    `The address ${formatAddress(address)} is in use by the Service ${by}; ask for another, or share it by giving both Services the same annotation ${sharingKeyAnnotation}.`,
  'sharing-key-mismatch': ({ address, by, key, theirKey }) =>
    `The address ${formatAddress(address)} is in use by the Service ${by}, ${theirKey === undefined ? 'which shares it with nobody' : `whose sharing key is "${theirKey}"`}, not "${key}"; give both the same annotation ${sharingKeyAnnotation}, or ask for another address.`,
  'sharing-port-conflict': ({ address, by, port }) =>
    `The address ${formatAddress(address)} cannot be shared: the Service ${by} already has port ${formatPort(port)} on it; change the port of one, or use another address.`,
  'sharing-policy-conflict': ({ address, by }) =>
    `The address ${formatAddress(address)} cannot be shared with the Service ${by}: both must have externalTrafficPolicy Cluster, or the same selector; change the policy, or use another address.`,
  'family-not-wanted': ({ address }) =>
    `The Service's ipFamilies and ipFamilyPolicy no longer want ${formatAddress(address)}; change them back to have an ${address.family} address.`,
  'address-not-asked-for': ({ address, askedFor }) =>
    `The Service asks for ${formatAddress(askedFor)} instead of ${formatAddress(address)}; ask for the latter to have it back.`,
  'addresses-in-two-pools': ({ address, pool, actualPool }) =>
    `The address ${formatAddress(address)} is in the pool ${actualPool} and the Service's other address in ${pool}; take both from one pool.`,
  incomplete: ({ address, missing }) =>
    `The address ${formatAddress(address)} was given up because the Service cannot have it alone. ${allocationSentence(missing)}`,
  'address-family-mismatch': ({ address, family }) =>
    `The Service asks for ${formatAddress(address)}, but its family is ${family}; ask for an ${family} address, or change spec.ipFamilies.`,
  'two-addresses-single-stack': () =>
    'The Service asks for an IPv4 and an IPv6 address but is SingleStack; set spec.ipFamilyPolicy to PreferDualStack or RequireDualStack.',
};

/** What is wrong, and what to do about it, for statuses, events and people. */
export const allocationSentence = (reason: AllocationReason): string => sentence(sentences, reason);
