// BGP messages as bytes (RFC 4271 §4): header, type and body. Reading is total: a message, or the NOTIFICATION that answers
// what is none.
import { copyOf, number16, set16 } from './bytes.ts';
import { type Notification, notification, notificationBody, readNotification } from './notification.ts';
import { errorCode, headerError } from './notification-code.ts';
import { type Open, openBody, readOpen } from './open.ts';
import { type RouteRefresh, readRouteRefresh, refreshSubtype, routeRefreshBody } from './route-refresh.ts';
import { readUpdate, type Update, type UpdateContext, updateBody } from './update.ts';

export type Message = Open | Update | Notification | Keepalive | RouteRefresh;

export interface Keepalive {
  readonly kind: 'keepalive';
}

export const keepalive: Keepalive = { kind: 'keepalive' };

/** What to read by, and how long a message may be. */
export interface MessageContext extends UpdateContext {
  /** RFC 8654: both sides have said that they take messages of up to 65,535 bytes. */
  readonly isExtended: boolean;
}

export const headerLength = 19;
export const plainLimit = 4096;
export const extendedLimit = 65_535;

const markerLength = 16;

/** Index 0 is type 1. */
const kinds = ['open', 'update', 'notification', 'keepalive', 'route-refresh'] as const;
const leastLength = [29, 23, 21, 19, 23] as const;

const refuse = (subcode: number, data?: Uint8Array): { readonly error: Notification } => ({
  error: notification(errorCode.header, subcode, data),
});

/**
 * The length of the message that begins here, its header checked (RFC 4271 §6.1); undefined while there is less than a
 * header. All the checks that need no more than the header are made, so that nobody waits for the body of nonsense.
 */
export function messageLength(
  header: Uint8Array,
  isExtended: boolean,
): number | { readonly error: Notification } | undefined {
  if (header.length < headerLength) return undefined;
  for (let at = 0; at < markerLength; at++)
    if (header[at] !== 0xff) return refuse(headerError.notSynchronized);
  const length = number16(header, markerLength);
  const type = header[18] ?? 0;
  const kind = kinds[type - 1];
  if (kind === undefined) return refuse(headerError.badType, Uint8Array.of(type));
  // OPEN and KEEPALIVE stay short (RFC 8654 §4).
  const limit = isExtended && kind !== 'open' && kind !== 'keepalive' ? extendedLimit : plainLimit;
  const isKeepaliveWithBody = kind === 'keepalive' && length !== headerLength;
  if (length > limit || length < (leastLength[type - 1] ?? headerLength) || isKeepaliveWithBody)
    return refuse(headerError.badLength, copyOf(header.subarray(markerLength, markerLength + 2)));
  return length;
}

/** Reads a whole message, whose header was checked by `messageLength`. */
export function readMessage(
  bytes: Uint8Array,
  context: MessageContext,
): Message | { readonly error: Notification } {
  const length = messageLength(bytes, context.isExtended);
  if (length === undefined || (typeof length === 'number' && length !== bytes.length))
    return refuse(headerError.badLength, copyOf(bytes.subarray(markerLength, markerLength + 2)));
  if (typeof length === 'object') return length;
  const body = bytes.subarray(headerLength);
  const kind = kinds[(bytes[18] ?? 0) - 1] ?? 'keepalive'; // the header was checked
  switch (kind) {
    case 'open':
      return readOpen(body);
    case 'update':
      return readUpdate(body, context);
    case 'notification':
      return readNotification(body);
    case 'keepalive':
      return keepalive;
    case 'route-refresh':
      return refreshOf(bytes, body);
    default:
      return kind satisfies never;
  }
}

/** One of a known subtype has 4 bytes and no more; the answer has the message as its data (RFC 7313 §5). */
function refreshOf(bytes: Uint8Array, body: Uint8Array): RouteRefresh | { readonly error: Notification } {
  const refresh = readRouteRefresh(body);
  if (body.length === 4 || refresh.subtype > refreshSubtype.end) return refresh;
  return { error: notification(errorCode.routeRefresh, 1, copyOf(bytes.subarray(0, plainLimit - 21))) };
}

export function writeMessage(message: Message, isFourByteAs = true): Uint8Array {
  const body = bodyOf(message, isFourByteAs);
  const bytes = new Uint8Array(headerLength + body.length);
  writeHeader(bytes, message.kind);
  bytes.set(body, headerLength);
  return bytes;
}

/** For who has written a body behind the header's room: its length is that of the bytes. */
export function writeHeader(bytes: Uint8Array, kind: Message['kind']): void {
  bytes.fill(0xff, 0, markerLength);
  set16({ bytes, length: bytes.length }, markerLength, bytes.length);
  bytes[18] = kinds.indexOf(kind) + 1;
}

function bodyOf(message: Message, isFourByteAs: boolean): Uint8Array {
  switch (message.kind) {
    case 'open':
      return openBody(message);
    case 'update':
      return updateBody(message, isFourByteAs);
    case 'notification':
      return notificationBody(message);
    case 'keepalive':
      return new Uint8Array(0);
    case 'route-refresh':
      return routeRefreshBody(message);
    default:
      return message satisfies never;
  }
}
