// What an agent and its pulse say to each other over the pulse's Unix socket: one JSON object a line.
import type { BfdFromPulse, BfdToPulse } from './bfd-link.ts';

/** From the agent. On every new connection it sends `configure`, then `announce` with `replace: true`. */
export type ToPulse =
  | BfdToPulse
  | {
      readonly type: 'configure';
      /** This node's name. */
      readonly node: string;
      /** All nodes, this one included. */
      readonly members: readonly LinkMember[];
      /** The file that holds the heartbeats' key. */
      readonly keyFile: string;
    }
  | {
      readonly type: 'announce';
      /** True: the table is `upserts` and nothing else. */
      readonly replace: boolean;
      readonly upserts: readonly LinkAddress[];
      /** Keys, as in `LinkAddress`. */
      readonly removals: readonly string[];
      /**
       * True: this node does not forward all of its first table yet. Until a message says otherwise by leaving it out,
       * the others keep what they answer for, and this node answers only where nobody else is ready to.
       */
      readonly isPartial?: boolean;
    }
  | BgpRoutes
  /** Hand all addresses over, and take none; false: be elected again. */
  | { readonly type: 'drain'; readonly drain: boolean }
  /** Leave: hand all addresses over, then stop. Answered with `stopping`. */
  | { readonly type: 'stop' }
  /** From a new pulse: make room for it. Answered with `estate` to it alone, where the format is the same. */
  | { readonly type: 'succeed'; readonly format: number };

/** Passed on to whoever listens, for commands that wait until this node is left; forgotten with the agent's connection. */
export interface BgpRoutes {
  readonly type: 'bgp-routes';
  /** How many this node's BGP peers have of it: what was sent. */
  readonly count: number;
}

export interface LinkMember {
  readonly name: string;
  /** Where heartbeats are sent, canonical forms. */
  readonly addresses: readonly string[];
}

/**
 * One address, or one share of an address that is spread, and who may answer for it, as the agent's planner sees it; pulse
 * elects among those alive.
 */
export interface LinkAddress {
  /** Its key: the address in canonical form, with `#` and the number of the share, if it is one (model/share.ts). */
  readonly address: string;
  /** The most wanted first, whether alive or not. */
  readonly candidates: readonly LinkCandidate[];
}

export interface LinkCandidate {
  readonly node: string;
  /** Only on these interfaces; empty: on all usable ones. */
  readonly interfaces: readonly string[];
}

/**
 * From pulse. On every new connection it sends `bgp-routes` if an agent has told them, `hello`, `members`, `owned` with
 * `replace: true`, then `counters`.
 */
export type FromPulse =
  | BfdFromPulse
  | BgpRoutes
  | {
      readonly type: 'hello';
      readonly version: string;
      readonly pid: number;
      readonly node: string | undefined;
    }
  | {
      readonly type: 'members';
      readonly members: readonly LinkMemberState[];
      /** Whose majority decides; more than one while they change: then a majority of each. */
      readonly electorate: readonly (readonly string[])[];
      /** This node hears so many that it may answer for addresses. */
      readonly hasMajority: boolean;
      /** It has been told to hand everything over and to take nothing. */
      readonly isDraining: boolean;
    }
  | {
      readonly type: 'owned';
      readonly replace: boolean;
      readonly upserts: readonly LinkOwned[];
      readonly removals: readonly string[];
    }
  /** Counters since pulse started: all on a new connection, then once a second those that have changed. */
  | {
      readonly type: 'counters';
      readonly addresses: readonly LinkCounters[];
      readonly refused: readonly LinkRefusals[];
    }
  /** Once a second, while this node hears others. */
  | {
      readonly type: 'leases';
      /** The least that was left of a lease when it was renewed, in the last second and ever; undefined: none was. */
      readonly recentSlackMilliseconds: number | undefined;
      readonly smallestSlackMilliseconds: number | undefined;
      /** Leases that ran out, and rivals that were met, since pulse started. */
      readonly lapses: number;
      readonly conflicts: number;
    }
  /** `isReplaced`: another pulse goes on in its place. */
  | { readonly type: 'stopping'; readonly isReplaced?: boolean }
  /** To its successor: all that it knew; it speaks no more. */
  | { readonly type: 'estate'; readonly estate: string };

export interface LinkMemberState {
  readonly name: string;
  /** `silent`: not heard here. `dead`: not by so many others that it cannot speak. */
  readonly state: 'alive' | 'silent' | 'dead' | 'unknown';
  /** Milliseconds since the last accepted heartbeat; undefined when none was. */
  readonly lastHeardMilliseconds: number | undefined;
  /** The member's usable interfaces that are up, as it tells them itself. */
  readonly interfaces: readonly string[];
  /** It may be elected. */
  readonly isReady: boolean;
  /** It has a vote, and grants leases. */
  readonly isElector: boolean;
  /** Whom it has heard and hears no more, as it tells itself. */
  readonly unheard: readonly string[];
}

/** An address, or a share of one, that this node answers for, on the interfaces where the responder really does. */
export interface LinkOwned {
  /** Its key, as in `LinkAddress`. */
  readonly address: string;
  readonly interfaces: readonly string[];
  readonly cause: MoveCause;
  /** The node that had it before, if that is known. */
  readonly from: string | undefined;
  /** For a takeover: since the last heartbeat of that node. */
  readonly silenceMilliseconds?: number;
  /** When it came here, milliseconds since 1970. */
  readonly since: number;
}

/**
 * Why an address came here. `elected`: nobody had it. `takeover`: who had it is heard no more. `handover`: who had it
 * gave it up, because it is drained, stops, or may not have it any more. `failback`: who had it gave it back.
 * `stand-in`: nobody had it, and the node that is wanted most did not take it.
 */
export type MoveCause = 'elected' | 'takeover' | 'handover' | 'failback' | 'stand-in';

export interface LinkCounters {
  /** In canonical form, all shares together. */
  readonly address: string;
  readonly requestsReceived: number;
  readonly responsesSent: number;
  readonly gratuitousSent: number;
}

export interface LinkRefusals {
  /** What was not believed, and why: `heartbeat-forged`, `frame-bad-checksum` … */
  readonly cause: string;
  readonly count: number;
}
