// Other people's BGP in the lab, to judge ours by: what each of them is told to expect, and what it says that it got.
import type { ChildProcess } from 'node:child_process';
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';

/** A node as the judge is told of it. */
export interface Neighbour {
  /** Of an unnumbered one, the judge's interface. */
  readonly address: string;
  readonly isUnnumbered?: boolean;
  readonly asn: number;
  readonly families: readonly ('IPv4' | 'IPv6')[];
  /** The judge's own address, where it is not on the neighbour's network. */
  readonly local?: string;
  /** The judge connects, too. */
  readonly connects?: boolean;
  /** Of the judge (RFC 9234), in its own words. */
  readonly role?: string;
  readonly isMultihop?: boolean;
  readonly password?: string;
  /** Take nothing with less than a TTL of 255. */
  readonly hasTtlSecurity?: boolean;
  readonly bfd?: boolean;
  /** Both intervals of BFD; 200 without it. */
  readonly bfdIntervalMilliseconds?: number;
  readonly gracefulRestart?: boolean;
  readonly holdTimeSeconds?: number;
}

export interface BgpJudge {
  readonly name: string;
  isEstablished(neighbour: string): boolean;
  /** What it has learned from the neighbour. */
  routes(neighbour: string): JudgedRoute[];
  /** Undefined where it cannot ask for a refresh. */
  readonly refresh: ((neighbour: string) => void) | undefined;
  /** The process that speaks BGP. */
  readonly process: ChildProcess;
}

export interface JudgedRoute {
  readonly prefix: string;
  readonly nextHop: string;
  /** Numbers in their order, with spaces between. */
  readonly asPath: string;
  /** Kept over the session's end. */
  readonly isStale: boolean;
  readonly localPreference?: number | undefined;
  readonly communities?: string | undefined;
}

export type StartJudge = (
  lab: Lab,
  host: Host,
  asn: number,
  neighbours: readonly Neighbour[],
) => Promise<BgpJudge>;
