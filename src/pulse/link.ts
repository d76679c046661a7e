// What an agent and its pulse say to each other over the pulse's Unix socket: one JSON object a line.

/** From the agent. On every new connection it sends `configure`, then `announce` with `replace: true`. */
export type ToPulse =
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
      /** Addresses in their canonical form. */
      readonly removals: readonly string[];
      /**
       * True: this node does not forward all of its first table yet. Until a message says otherwise by leaving it out,
       * the others keep what they answer for, and this node answers only where nobody else is ready to.
       */
      readonly isPartial?: boolean;
    }
  /** Hand all addresses over, and take none; false: be elected again. */
  | { readonly type: 'drain'; readonly drain: boolean }
  /** Leave: hand all addresses over, then stop. Answered with `stopping`. */
  | { readonly type: 'stop' }
  /** From a new pulse: make room for it. Answered with `estate` to it alone, where the format is the same. */
  | { readonly type: 'succeed'; readonly format: number };

export interface LinkMember {
  readonly name: string;
  /** Where heartbeats are sent, canonical forms. */
  readonly addresses: readonly string[];
}

/** One address and who may answer for it, as the agent's planner sees it; pulse elects among those alive. */
export interface LinkAddress {
  readonly address: string;
  /** The most wanted first, whether alive or not. */
  readonly candidates: readonly LinkCandidate[];
}

export interface LinkCandidate {
  readonly node: string;
  /** Only on these interfaces; empty: on all usable ones. */
  readonly interfaces: readonly string[];
}

/** From pulse. On every new connection it sends `hello`, `members`, `owned` with `replace: true`, then `counters`. */
export type FromPulse =
  | {
      readonly type: 'hello';
      readonly version: string;
      readonly pid: number;
      readonly node: string | undefined;
    }
  | { readonly type: 'members'; readonly members: readonly LinkMemberState[] }
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
}

/** An address that this node answers for, on the interfaces where the responder really does. */
export interface LinkOwned {
  readonly address: string;
  readonly interfaces: readonly string[];
  /** Why it came here: `elected` at start or by a change of plan, `takeover` from a dead node, `failback`. */
  readonly cause: 'elected' | 'takeover' | 'failback';
  /** The dead node it was taken from. */
  readonly from: string | undefined;
}

export interface LinkCounters {
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
