// What an agent and its pulse say to each other of BFD sessions, as a part of the link (link.ts).
import type { BfdState } from '../announce/bfd/message.ts';

/** From the agent: all sessions that there should be. Without a word from it they stay as they are. */
export interface BfdToPulse {
  readonly type: 'bfd';
  readonly sessions: readonly LinkBfdSession[];
}

export interface LinkBfdSession extends LinkBfdPath {
  readonly profile: LinkBfdProfile;
}

/** Between whom it is; addresses in their canonical forms. */
export interface LinkBfdPath {
  readonly peer: string;
  /** Undefined: whichever the kernel chooses. */
  readonly local?: string | undefined;
  /** Undefined: any. A link-local peer needs one. */
  readonly interface?: string | undefined;
  readonly isMultihop: boolean;
}

/** As in a BFDProfile. */
export interface LinkBfdProfile {
  readonly receiveIntervalMilliseconds: number;
  readonly transmitIntervalMilliseconds: number;
  readonly detectMultiplier: number;
  readonly echoIntervalMilliseconds: number;
  readonly echoMode: boolean;
  readonly passiveMode: boolean;
  /** Multihop only. */
  readonly minimumTtl: number;
}

export type BfdFromPulse =
  | {
      /** On every new connection all of them, with `replace: true`; then those that have changed. */
      readonly type: 'bfd';
      readonly replace: boolean;
      readonly upserts: readonly LinkBfdState[];
      /** Their keys. */
      readonly removals: readonly string[];
    }
  /** Once a second, while there are sessions. */
  | {
      readonly type: 'bfd-counters';
      readonly sessions: readonly LinkBfdCounters[];
      /** Packets that were not believed, by the rule that refused them, since pulse started. */
      readonly refused: readonly { readonly cause: string; readonly count: number }[];
      /** Of all sessions, since pulse started; undefined: none was up. */
      readonly smallestReceiveSlackMilliseconds: number | undefined;
      readonly smallestTransmitSlackMilliseconds: number | undefined;
      /** For which this process was kept from its work, since it started. */
      readonly stalledMilliseconds: number;
    };

export interface LinkBfdState extends LinkBfdPath {
  /** Names the path: the same for the same one. */
  readonly key: string;
  readonly state: BfdState;
  /** Why it is not up, by its number and in words (RFC 5880 §4.1). */
  readonly diagnostic: number;
  readonly diagnosticText: string;
  /** When it came into its state, milliseconds since 1970. */
  readonly since: number;
  readonly remoteState: BfdState;
  readonly remoteDiagnostic: number;
  readonly remoteDemand: boolean;
  /** The other's BFD does not share fate with its control plane. */
  readonly remoteIsControlPlaneIndependent: boolean;
  readonly localDiscriminator: number;
  /** 0: it is not heard. */
  readonly remoteDiscriminator: number;
  /** As both sides have agreed: between our packets, and after how long a silence the other is gone. */
  readonly transmitIntervalMilliseconds: number;
  readonly detectionMilliseconds: number;
  readonly echo: 'off' | 'trying' | 'active';
  /** Why nothing can be sent or received, and what to do; undefined: all is well. */
  readonly problem?: string | undefined;
}

export interface LinkBfdCounters {
  readonly key: string;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly ups: number;
  readonly downs: number;
  /** The least that was left of the detection time when a packet came, in the last second; undefined: none came. */
  readonly receiveSlackMilliseconds: number | undefined;
  /** The same of the other's detection time when one was sent. */
  readonly transmitSlackMilliseconds: number | undefined;
}
