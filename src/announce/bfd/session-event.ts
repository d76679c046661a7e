// What happens to a BFD session, and what follows from it.
import type { ControlPacket } from './message.ts';
import type { SessionSettings } from './session.ts';

export type SessionEvent =
  /** One that the session's table believes (§6.8.6). */
  | { readonly kind: 'packet'; readonly packet: ControlPacket }
  /** A deadline may have passed; all that was received before has been told. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'settings'; readonly settings: SessionSettings }
  | { readonly kind: 'admin-down' }
  | { readonly kind: 'admin-up' }
  /** One of our own echo packets has come back. */
  | { readonly kind: 'echo-returned' };

export type SessionEffect =
  | { readonly kind: 'send'; readonly packet: ControlPacket }
  | { readonly kind: 'send-echo'; readonly sequence: number }
  /** The state, or what the other side says of itself. */
  | { readonly kind: 'changed' };
