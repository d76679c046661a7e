// What the allocator decides about one Service.
import { type Address, sameAddress } from '../model/address.ts';
import type { Allocated, ServiceKey } from '../model/service.ts';
import { type AllocationReason, allocationSentence, type NotOursReason } from './reason.ts';

export interface Assignment {
  /** One or two of different families, the primary first. */
  readonly addresses: readonly Address[];
  readonly pool: string;
}

export type Outcome =
  | {
      readonly kind: 'allocated';
      readonly assignment: Assignment;
      /** What it wants and does not have, such as a second address. */
      readonly shortfall: AllocationReason | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: AllocationReason }
  | { readonly kind: 'not-ours'; readonly reason: NotOursReason }
  | { readonly kind: 'gone' };

export interface Decision {
  readonly service: ServiceKey;
  readonly outcome: Outcome;
  /** Addresses, pool or reason are other than before. */
  readonly changed: boolean;
  /** What it had; on the first sight of a Service, what its status says. */
  readonly before: Allocated;
  /** The addresses of `before` that it has no more, and why. */
  readonly lost: readonly Loss[];
}

export interface Loss {
  readonly address: Address;
  readonly reason: AllocationReason;
}

export const noLosses: readonly Loss[] = [];

export const nothingAllocated: Allocated = { addresses: [], pool: undefined };

/** The order counts: the primary comes first. */
export function sameAllocation(a: Allocated, b: Allocated): boolean {
  return (
    a.pool === b.pool &&
    a.addresses.length === b.addresses.length &&
    a.addresses.every((address, index) => {
      const other = b.addresses[index];
      return other !== undefined && sameAddress(address, other);
    })
  );
}

/** Two reasons are the same where they say the same. */
export const sameReason = (a: AllocationReason | undefined, b: AllocationReason | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.kind === b.kind &&
    allocationSentence(a) === allocationSentence(b));
