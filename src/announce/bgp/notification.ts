// NOTIFICATION messages (RFC 4271 §4.5), with what their data may hold: a shutdown communication (RFC 9003), or the
// notification that a Hard Reset wraps (RFC 8538 §3.1).
import { copyOf } from './bytes.ts';
import { cease, errorCode, errorText } from './notification-code.ts';

export interface Notification {
  readonly kind: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

const none = new Uint8Array(0);

export const notification = (code: number, subcode = 0, data: Uint8Array = none): Notification => ({
  kind: 'notification',
  code,
  subcode,
  data,
});

/** Reads a message's body, of at least 2 bytes. */
export const readNotification = (body: Uint8Array): Notification =>
  notification(body[0] ?? 0, body[1] ?? 0, copyOf(body.subarray(2)));

export const notificationBody = ({ code, subcode, data }: Notification): Uint8Array =>
  Uint8Array.of(code, subcode, ...data);

/** Longest shutdown communication, in bytes of UTF-8 (RFC 9003 §2). */
const longestCommunication = 255;

/** Cease with words for whoever runs the peer; they are cut to 255 bytes, between characters. */
export function shutdownNotification(
  subcode: typeof cease.administrativeShutdown | typeof cease.administrativeReset,
  text: string,
): Notification {
  const bytes = new Uint8Array(longestCommunication);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  const data = written === 0 ? none : Uint8Array.of(written, ...bytes.subarray(0, written));
  return notification(errorCode.cease, subcode, data);
}

/** The words of an administrative shutdown or reset; undefined where there are none or they are no UTF-8. */
export function shutdownCommunication({ code, subcode, data }: Notification): string | undefined {
  if (code !== errorCode.cease) return undefined;
  if (subcode !== cease.administrativeShutdown && subcode !== cease.administrativeReset) return undefined;
  const length = data[0] ?? 0;
  if (length === 0 || length >= data.length) return undefined;
  const bytes = Buffer.from(data.subarray(1, 1 + length));
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** Ends the session for good though graceful restart was agreed on for NOTIFICATIONs (RFC 8538 §3.1). */
export const hardReset = (inner: Notification): Notification =>
  notification(errorCode.cease, cease.hardReset, notificationBody(inner));

export const isHardReset = ({ code, subcode }: Notification): boolean =>
  code === errorCode.cease && subcode === cease.hardReset;

/** What a Hard Reset wraps; undefined for anything else, and where it wraps nothing. */
export const wrappedNotification = (outer: Notification): Notification | undefined =>
  isHardReset(outer) && outer.data.length >= 2 ? readNotification(outer.data) : undefined;

/** In one line for a person, control characters of the peer's words removed. */
export function notificationText(message: Notification): string {
  const inner = wrappedNotification(message);
  // A wrapped one that is a Hard Reset again is not followed further: its depth is the peer's choice.
  if (inner !== undefined) return `hard reset: ${errorText(inner.code, inner.subcode)}${quoted(inner)}`;
  return `${errorText(message.code, message.subcode)}${quoted(message)}`;
}

function quoted(message: Notification): string {
  const text = shutdownCommunication(message);
  return text === undefined ? '' : `: “${text.replace(/\p{C}/gu, ' ')}”`;
}
