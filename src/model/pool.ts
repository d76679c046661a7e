// IPAddressPools: the addresses that Services are given, and to whom.
import type { AddressRange } from './address.ts';
import type { LabelSelector, Labels } from './selector.ts';

export interface Pool {
  readonly name: string;
  readonly labels: Labels;
  /** In the object's order, none overlapping another of any accepted pool; CIDR blocks are ranges here. */
  readonly ranges: readonly AddressRange[];
  /** False: only Services that ask for the pool or one of its addresses get any. */
  readonly autoAssign: boolean;
  /** True: IPv4 addresses that end in .0 or .255 are never given. */
  readonly avoidBuggyIPs: boolean;
  readonly serviceAllocation: ServiceAllocation | undefined;
  readonly probe: ProbePolicy;
}

/** Whether free addresses are probed for others who use them: never, ahead of use, or so that their use waits for it. */
export type ProbePolicy = 'off' | 'background' | 'before';

/** Who may be given an address of the pool, asked for or not; lists that are empty restrict nothing. */
export interface ServiceAllocation {
  /** Lower comes first; 0 is last, after all others. */
  readonly priority: number;
  readonly namespaces: readonly string[];
  readonly namespaceSelectors: readonly LabelSelector[];
  readonly serviceSelectors: readonly LabelSelector[];
}
