// What one member knows and does, as plain data, and what its machine takes in and gives out.
import type { NodeInterface } from '../layer2/interfaces.ts';
import type { Electorate } from './electorate.ts';
import type { PastHolder } from './past-holders.ts';
import type { Timing } from './timing.ts';
import type { Watcher } from './watcher.ts';

/** With two members: go on alone, or be silent without the other. With three or more a majority decides. */
export type TwoNodePolicy = 'availability' | 'safety';

/** When an address goes back to the node that is wanted more and lives again. */
export type Failback = 'never' | 'when-stable' | 'at-once';

export type Readiness = 'no' | 'alone' | 'yes';

export interface Rules {
  readonly twoNodes: TwoNodePolicy;
  readonly failback: Failback;
  /** A heartbeat has room for so many bytes of addresses; undefined: as many as fit one datagram of an Ethernet's size. */
  readonly addressBytes?: number | undefined;
}

/** A heartbeat: I live, and this is what I want of you. */
export interface Beat {
  readonly kind: 'beat';
  readonly from: string;
  readonly bootId: bigint;
  readonly to: string;
  /** The receiver's start as the sender knows it, 0 when it does not: an old heartbeat does not pass a restart. */
  readonly toBootId: bigint;
  /** Grows with each heartbeat to this receiver. */
  readonly sequence: number;
  /** The sender does not speak for so long after it has sent this. */
  readonly patienceMilliseconds: number;
  /** It may be elected. */
  readonly ready: boolean;
  /** Its last word. */
  readonly leaving: boolean;
  /** Undefined: as it has told before. */
  readonly interfaces: readonly NodeInterface[] | undefined;
  /** Members that it has heard, and hears no more. */
  readonly silent: readonly string[];
  readonly electorateDigest: number;
  /** Whole, for who has told another digest. */
  readonly electorate: Electorate | undefined;
  /**
   * The receiver's session in which these are asked for and given back; in any other they mean nothing. 0: the sender
   * knows of none, and of nothing that it was granted.
   */
  readonly session: number;
  readonly asks: readonly string[];
  readonly releases: readonly string[];
  /** Given up in the receiver's favour, and released by the watchers. */
  readonly handed: readonly string[];
}

/** A watcher's answer to one heartbeat. */
export interface Ack {
  readonly kind: 'ack';
  readonly from: string;
  readonly bootId: bigint;
  readonly to: string;
  readonly toBootId: bigint;
  /** Of the heartbeat. */
  readonly sequence: number;
  /** True: the holder may speak by this. False: the watcher is new, or knows another electorate. */
  readonly grants: boolean;
  readonly session: number;
  readonly silent: readonly string[];
  readonly electorateDigest: number;
  readonly electorate: Electorate | undefined;
  readonly granted: readonly string[];
  readonly refused: readonly Refusal[];
  readonly released: readonly string[];
  /** What the holder has and another asked for since the answer before. */
  readonly wanted: readonly Wanted[];
}

export interface Refusal {
  readonly key: string;
  readonly holder: string;
  /** The holder's session lapses then, unless it is heard; at most 255. */
  readonly lapsesInMilliseconds: number;
}

export interface Wanted {
  readonly key: string;
  readonly node: string;
}

export type Message = Beat | Ack;

/** Another member, as this one hears it and is heard by it. */
export interface Peer {
  readonly name: string;
  /** `silent`: not heard by us for its patience. `dead`: not by the others either. */
  state: 'unknown' | 'alive' | 'silent' | 'dead';
  /** Its newest start; 0: none is known. */
  bootId: bigint;
  /** The newest heartbeat of that start, and bit n: the one n before it was heard. */
  newest: number;
  heard: bigint;
  lastHeard: number;
  patienceMilliseconds: number;
  ready: boolean;
  readySince: number;
  /** It has been ready for long enough to be given something back. */
  isStable: boolean;
  interfaces: readonly NodeInterface[];
  /** Whom it does not hear any more. */
  silent: readonly string[];
  electorateDigest: number;

  // As a watcher of ours:
  sequence: number;
  /** When the last heartbeats were sent, and how long each of them lets us speak. By sequence modulo its length. */
  readonly sentAt: number[];
  readonly sentLease: number[];
  lastSent: number;
  /** The newest of its answers that was taken. */
  acked: number;
  session: number;
  /** This node's interfaces as they were told last, with which heartbeat, and whether it has answered that. */
  toldInterfaces: readonly NodeInterface[] | undefined;
  toldAt: number;
  hasInterfaces: boolean;
  /** What it granted holds until then. */
  grantedUntil: number;
  readonly toAsk: Set<string>;
  /** With the number of the last heartbeat before: only an answer to a later one says that it is done. */
  readonly toRelease: Map<string, number>;
  /** The last heartbeat that told it to release the address, while it may not have taken that yet; in their order. */
  readonly releasedIn: Map<string, number>;
  readonly toHand: Set<string>;
  /** Refused by a session about to lapse: to be asked again then. */
  readonly again: Map<string, number>;
}

/** What claims that the same watchers grant have in common. The responder reads the deadline before each answer. */
export interface Lease {
  readonly mask: number;
  deadline: number;
  /** As of the last step: the deadline was ahead. */
  isLive: boolean;
  /** A claim came since that is not spoken for: the deadline may be ahead of what it was then. */
  hasNew: boolean;
  readonly claims: Set<string>;
}

/** This node wants the address, and has asked for it. */
export interface Claim {
  readonly key: string;
  /** Bits of the watchers that grant it, and of those that refuse. */
  granted: number;
  refused: number;
  lease: Lease | undefined;
  isSpeaking: boolean;
  /** Who had it before, and whether it was given by that node, or taken when it fell silent. */
  readonly from: string | undefined;
  readonly isGiven: boolean;
  /** Who had it while the address was whole, where it is a share now, or the shares of what is whole now. */
  readonly otherwise: readonly PastHolder[];
  /** Asked for though another is elected, because nobody had it. */
  readonly isStandIn: boolean;
  /** So many claims to it before this one were refused in a row. */
  readonly tries: number;
}

/** Released, and not yet by all watchers. */
export interface HandOver {
  readonly to: string;
  waiting: number;
}

export interface Held {
  readonly node: string;
  readonly askAt: number;
  readonly tries: number;
}

export interface MemberState {
  readonly self: string;
  readonly bootId: bigint;
  /** When it began to listen for the others. */
  startedAt: number;
  lastStep: number;
  nextBeat: number;
  timing: Timing;
  rules: Rules;
  /** All nodes of the cluster, this one included. */
  nodes: readonly string[];
  /** Undefined: this node listens for one. */
  electorate: Electorate | undefined;
  digest: number;
  /** Since when a majority of the oldest configuration agrees on all of the electorate. */
  agreedSince: number | undefined;
  /** Since when another configuration is wanted. */
  wishedSince: number | undefined;
  /** It may be elected: `alone` only where nobody else is ready. */
  ready: Readiness;
  /** Nobody tells this node any more who may have what: it gives up what another wants. */
  isOrphan: boolean;
  leaving: boolean;
  interfaces: readonly NodeInterface[];
  readonly peers: Map<string, Peer>;
  /** Members no more: what they were told is not told again in another order, should they come back. */
  readonly departed: Map<string, Peer>;
  /** This node's own watcher, as it is asked by this node. */
  readonly own: Peer;
  /** Bits of the electors. */
  readonly bits: Map<string, number>;
  readonly watcher: Watcher;
  readonly claims: Map<string, Claim>;
  readonly leases: Map<number, Lease>;
  readonly handOvers: Map<string, HandOver>;
  /** Given up by whoever had it, for this node to take. */
  readonly given: Map<string, string>;
  /** Who has an address that this node wanted, and when to ask again. */
  readonly heldBy: Map<string, Held>;
  /** Who else asked for what this node has, and when. */
  readonly wanted: Map<string, { readonly node: string; readonly at: number }>;
  /** This node is the next after the elected one: when to look whether that has it. */
  readonly standIns: Map<string, number>;
  /** The earliest time of all in `heldBy` and `standIns`. */
  retryAt: number;
  /** Who was elected for each address, as this node sees it. */
  readonly elected: Map<string, string>;
  /** This node itself might be elected at the last step. */
  wasCandidate: boolean;
  /** To be elected anew. */
  readonly dirty: Set<string>;
  /** Peers to be written to at the end of this step. */
  readonly pressing: Set<string>;
  counts: MemberCounts;
}

export interface MemberCounts {
  /** The smallest time that was left of a lease when it was renewed. */
  smallestSlackMilliseconds: number;
  conflicts: number;
  /** Leases that ran out while this node was not cut off on purpose. */
  lapses: number;
}

export type MemberEvent =
  | { readonly kind: 'tick' }
  /** A heartbeat to everybody now, though none is due. */
  | { readonly kind: 'beat' }
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'nodes'; readonly nodes: readonly string[] }
  | { readonly kind: 'ready'; readonly ready: Readiness }
  | { readonly kind: 'orphan'; readonly isOrphan: boolean }
  | { readonly kind: 'interfaces'; readonly interfaces: readonly NodeInterface[] }
  /** Who may have these addresses is other than before. */
  | { readonly kind: 'touched'; readonly keys: Iterable<string> }
  /** Goes on with elections that the step before left over. */
  | { readonly kind: 'elect' }
  | { readonly kind: 'leave' };

export type MemberEffect =
  | { readonly kind: 'send'; readonly message: Message }
  /** The address is this node's to speak for, as long as the claim's lease says. */
  | { readonly kind: 'speak'; readonly claim: Claim }
  /** It is not any more: the lease has run out, or it was given up, in favour of `to` if anybody. */
  | { readonly kind: 'silence'; readonly key: string; readonly to: string | undefined }
  | { readonly kind: 'alive' | 'silent'; readonly node: string }
  | {
      readonly kind: 'dead';
      readonly node: string;
      readonly cause: 'silent' | 'left';
      readonly votes: number;
    }
  /** A member's readiness, its interfaces or whom it hears are other than before. */
  | { readonly kind: 'changed'; readonly node: string }
  | { readonly kind: 'late'; readonly milliseconds: number }
  /** Others know a later start of a node of this name, and do not hear this one. */
  | { readonly kind: 'outdated'; readonly bootId: bigint }
  | { readonly kind: 'electorate'; readonly electorate: Electorate }
  /** Another member answers for an address that this one answers for: only with two members. */
  | { readonly kind: 'conflict'; readonly key: string; readonly node: string; readonly yields: boolean }
  | { readonly kind: 'refused'; readonly cause: RefusedCause; readonly node: string };

/** Why a message was not believed. */
export type RefusedCause = 'unknown-node' | 'own-name' | 'replayed' | 'stale-start';

/** Who should have the address now, of those for whom `mayHave` says so; undefined: nobody may. */
export type Elect = (key: string, mayHave: (node: string) => boolean) => string | undefined;

export interface Addresses {
  /** All that may be elected for. */
  keys(): Iterable<string>;
  readonly elect: Elect;
}

/** One step of the machine: what it works on. */
export interface Turn {
  readonly state: MemberState;
  readonly now: number;
  readonly effects: MemberEffect[];
  readonly addresses: Addresses;
}
