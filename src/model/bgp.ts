// The BGP and BFD kinds: who is told of which addresses, how, and how fast a dead path is noticed.
import type { Address, Cidr } from './address.ts';
import type { LabelSelector, Labels } from './selector.ts';

export interface BgpAdvertisement {
  readonly name: string;
  readonly labels: Labels;
  /** 1–32. */
  readonly aggregationLength: number;
  /** 1–128. */
  readonly aggregationLengthV6: number;
  readonly localPref: number | undefined;
  /** Names of Community objects' entries, or `a:b` and `large:a:b:c`. */
  readonly communities: readonly string[];
  readonly pools: readonly string[];
  readonly poolSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
  /** Empty: all peers. */
  readonly peers: readonly string[];
  readonly serviceSelectors: readonly LabelSelector[];
}

export interface BgpPeer {
  readonly name: string;
  readonly myAsn: number;
  readonly peerAsn: number | 'internal' | 'external';
  readonly localAsn: number | undefined;
  /** An address, or the interface of an unnumbered session. */
  readonly peer: { readonly address: Address } | { readonly interface: string };
  readonly sourceAddress: Address | undefined;
  readonly peerPort: number;
  /** 0: no hold timer. */
  readonly holdTimeSeconds: number;
  readonly keepaliveTimeSeconds: number;
  readonly connectTimeSeconds: number | undefined;
  readonly routerId: Address | undefined;
  readonly nodeSelectors: readonly LabelSelector[];
  readonly password: string | undefined;
  /** In the peer's own namespace, unless it names another. */
  readonly passwordSecret: { readonly name: string; readonly namespace: string } | undefined;
  readonly bfdProfile: string | undefined;
  readonly enableGracefulRestart: boolean;
  readonly ebgpMultiHop: boolean;
  readonly vrf: string | undefined;
  readonly disableMp: boolean;
  readonly dualStackAddressFamily: boolean;
  /** Whoever connects from there is a peer like this one, too; undefined: nobody else is. */
  readonly listenRange: Cidr | undefined;
  /** Never connects, only accepts. */
  readonly isPassive: boolean;
  /** Of this side (RFC 9234). */
  readonly role: BgpRole | undefined;
  /** A peer without a role is refused. */
  readonly isRoleStrict: boolean;
  /** How long the peer may keep routes as the last choice once graceful restart has failed (RFC 9494); 0: not at all. */
  readonly longLivedSeconds: number;
}

/** RFC 9234 §3. */
export type BgpRole = 'provider' | 'route-server' | 'route-server-client' | 'customer' | 'peer';

export interface BfdProfile {
  readonly name: string;
  readonly receiveIntervalMilliseconds: number;
  readonly transmitIntervalMilliseconds: number;
  readonly detectMultiplier: number;
  readonly echoIntervalMilliseconds: number;
  readonly echoMode: boolean;
  readonly passiveMode: boolean;
  /** Multihop only, 1–254. */
  readonly minimumTtl: number;
}

export interface Community {
  readonly name: string;
  readonly communities: readonly { readonly name: string; readonly value: string }[];
}
