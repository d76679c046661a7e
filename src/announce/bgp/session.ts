// The state of one BGP session, and what goes into and comes out of its machine.
import type { Family } from '../../model/address.ts';
import type { Agreement, OpenRefusal } from './agreement.ts';
import type { Message } from './message.ts';
import type { Notification } from './notification.ts';
import type { PeerSettings } from './settings.ts';
import type { Update } from './update.ts';

/** RFC 4271 §8.2.2; that of a session is that of its most advanced connection. */
export type SessionState = 'idle' | 'connect' | 'active' | 'open-sent' | 'open-confirm' | 'established';

/** Times are milliseconds of one monotonic clock; infinity: never. */
export interface Session {
  settings: PeerSettings;
  state: SessionState;
  /** Two only while a collision is not resolved (§6.8). */
  connections: Connection[];
  nextConnection: number;
  retryAt: number;
  /** Failures since Established, for the back-off. */
  failures: number;
  /** Of the established connection. */
  agreement: Agreement | undefined;
  /** We have restarted, and no session was established since. */
  isRestarting: boolean;
  /** The peer's routes that outlive its session, and until when. */
  stale: Map<Family, Stale>;
  lastDown: DownReason | undefined;
}

export interface Connection {
  readonly id: number;
  readonly isOurs: boolean;
  state: 'connect' | 'open-sent' | 'open-confirm' | 'established';
  agreement: Agreement | undefined;
  holdAt: number;
  keepaliveAt: number;
  /** Bytes wait in the socket and none has left since before this less the send hold time (RFC 9687). */
  sendHoldAt: number;
}

export interface Stale {
  until: number;
  phase: 'restarting' | 'long-lived' | 'until-end-of-rib';
  readonly longLivedSeconds: number;
}

export type SessionEvent =
  | { readonly kind: 'start' }
  /** With words for the peer (RFC 9003). */
  | { readonly kind: 'stop'; readonly why: 'shutdown' | 'reset'; readonly communication: string }
  | { readonly kind: 'stop'; readonly why: 'deconfigured' | 'configuration-change' }
  /** We shall be back: TCP is closed, and nothing said (RFC 4724 §4.1). */
  | { readonly kind: 'stop'; readonly why: 'planned-restart' }
  | { readonly kind: 'connected'; readonly connection: number }
  /** Failed to connect, or closed by the peer. */
  | { readonly kind: 'closed'; readonly connection: number; readonly text: string }
  /** The peer has connected to us; `connection` is of the socket's owner, and its number from `nextConnection`. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'message'; readonly connection: number; readonly message: Message }
  | { readonly kind: 'bad-message'; readonly connection: number; readonly error: Notification }
  /** The socket has taken bytes, or refused some: what waits, in bytes. */
  | { readonly kind: 'socket'; readonly connection: number; readonly waitingBytes: number }
  | { readonly kind: 'bfd-down' }
  | { readonly kind: 'bfd-up' }
  | { readonly kind: 'tick' };

export type SessionEffect =
  | { readonly kind: 'connect'; readonly connection: number }
  | { readonly kind: 'send'; readonly connection: number; readonly message: Message }
  | { readonly kind: 'close'; readonly connection: number }
  | { readonly kind: 'established'; readonly connection: number; readonly agreement: Agreement }
  | { readonly kind: 'down'; readonly reason: DownReason }
  | { readonly kind: 'update'; readonly update: Update }
  /** The peer asks for our routes again; `isMarked`: between BoRR and EoRR (RFC 7313). */
  | { readonly kind: 'resend'; readonly family: Family; readonly isMarked: boolean }
  | { readonly kind: 'stale'; readonly family: Family; readonly what: 'keep' | 'mark-long-lived' | 'drop' };

export type DownReason =
  | { readonly kind: 'sent'; readonly notification: Notification }
  | { readonly kind: 'received'; readonly notification: Notification }
  | { readonly kind: 'refused'; readonly refusal: OpenRefusal }
  | { readonly kind: 'closed'; readonly text: string }
  | { readonly kind: 'planned-restart' };

/** What a connection that came to nothing is said to have met. */
export const noAnswer = 'nobody answers at the peer’s address';

export const createSession = (settings: PeerSettings, isRestarting: boolean): Session => ({
  settings,
  state: 'idle',
  connections: [],
  nextConnection: 1,
  retryAt: Number.POSITIVE_INFINITY,
  failures: 0,
  agreement: undefined,
  isRestarting,
  stale: new Map(),
  lastDown: undefined,
});

/** When a tick is due at the latest. */
export function nextDeadline(session: Session): number {
  let at = session.retryAt;
  for (const one of session.connections) at = Math.min(at, one.holdAt, one.keepaliveAt, one.sendHoldAt);
  for (const { until } of session.stale.values()) at = Math.min(at, until);
  return at;
}
