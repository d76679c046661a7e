// What a session with one peer is to be: data from the peer's object, the node and the agent.
import type { Family } from '../../model/address.ts';
import type { BgpRole } from '../../model/bgp.ts';

export interface PeerSettings {
  /** What we say in OPEN: the peer's `localAsn` where it has one. */
  readonly localAsn: number;
  /** A number, or which side of the AS border (dynamic AS). */
  readonly peerAsn: number | 'internal' | 'external';
  /** The BGP identifier: 32 bits, not 0. */
  readonly routerId: number;
  readonly families: readonly Family[];
  /** Families whose routes may go by the other family's next hop (RFC 8950). */
  readonly extendedNextHop: boolean;
  /** Families of which we would send several paths (RFC 7911). */
  readonly addPath: readonly Family[];
  /** 0: none. */
  readonly holdTimeSeconds: number;
  /** At most a third of the agreed hold time is used. */
  readonly keepaliveSeconds: number;
  readonly connectRetrySeconds: number;
  /** Never connects, only accepts. */
  readonly isPassive: boolean;
  readonly role: BgpRole | undefined;
  /** The peer must have a role as well (RFC 9234 §4.2). */
  readonly isRoleStrict: boolean;
  readonly gracefulRestart: GracefulRestartSettings | undefined;
}

export interface GracefulRestartSettings {
  /** How long the peer shall keep our routes, 0–4095. */
  readonly restartTimeSeconds: number;
  /** 0: no long-lived graceful restart (RFC 9494). */
  readonly longLivedSeconds: number;
  /** How long the peer has to send End-of-RIB after it is back. */
  readonly endOfRibSeconds: number;
}
