// OPEN messages (RFC 4271 §4.2) with capabilities (RFC 5492), 4-byte AS numbers (RFC 6793) and long parameters (RFC 9072).

import {
  bytesOf,
  type Cursor,
  cursorOver,
  newWritten,
  put8,
  put16,
  put32,
  putBytes,
  remaining,
  take,
  take8,
  take16,
  take32,
} from './bytes.ts';
import { type Capability, putCapability, readCapability } from './capability.ts';
import { type Notification, notification } from './notification.ts';
import { errorCode, openError } from './notification-code.ts';

export interface Open {
  readonly kind: 'open';
  /** That of the four-byte-as capability where there is one, else the message's own 16 bits. */
  readonly asn: number;
  /** 0, or at least 3. */
  readonly holdTimeSeconds: number;
  /** The BGP identifier: 32 bits, not 0 (RFC 6286). */
  readonly routerId: number;
  /** In their order, repetitions included. */
  readonly capabilities: readonly Capability[];
}

/** What stands in the 16 bits for an AS number that does not fit them (RFC 6793 §9). */
export const asTrans = 23456;

const version = 4;
const capabilitiesParameter = 2;
/** As the first parameter's type: lengths have two bytes from here on (RFC 9072 §2). */
const extendedLength = 255;

const refuse = (subcode: number, data?: Uint8Array): { readonly error: Notification } => ({
  error: notification(errorCode.open, subcode, data),
});

/** Reads a message's body; a fault is the NOTIFICATION that answers it (RFC 4271 §6.2). */
export function readOpen(body: Uint8Array): Open | { readonly error: Notification } {
  const from = cursorOver(body);
  const theirVersion = take8(from);
  const shortAsn = take16(from);
  const holdTimeSeconds = take16(from);
  const routerId = take32(from);
  if (shortAsn === undefined || holdTimeSeconds === undefined || routerId === undefined)
    return refuse(openError.unspecific);
  if (theirVersion !== version) return refuse(openError.version, Uint8Array.of(0, version));
  const capabilities = readParameters(from);
  if ('error' in capabilities) return capabilities;
  const longAsn = capabilities.find((one) => one.kind === 'four-byte-as')?.asn;
  const asn = longAsn ?? shortAsn;
  if (asn === 0 || asn === asTrans) return refuse(openError.peerAs);
  if (holdTimeSeconds === 1 || holdTimeSeconds === 2) return refuse(openError.holdTime);
  if (routerId === 0) return refuse(openError.identifier);
  return { kind: 'open', asn, holdTimeSeconds, routerId, capabilities };
}

function readParameters(from: Cursor): Capability[] | { readonly error: Notification } {
  const shortLength = take8(from);
  const isExtended = shortLength !== 0 && from.bytes[from.at] === extendedLength;
  if (isExtended) from.at++;
  const length = isExtended ? take16(from) : shortLength;
  if (length !== remaining(from)) return refuse(openError.unspecific);
  const capabilities: Capability[] = [];
  while (remaining(from) > 0) {
    const type = take8(from);
    const value = take(from, isExtended ? take16(from) : take8(from));
    if (value === undefined) return refuse(openError.unspecific);
    if (type !== capabilitiesParameter) return refuse(openError.optionalParameter);
    const inside = cursorOver(value);
    while (remaining(inside) > 0) {
      const code = take8(inside);
      const content = take(inside, take8(inside));
      if (code === undefined || content === undefined) return refuse(openError.unspecific);
      capabilities.push(readCapability(code, content));
    }
  }
  return capabilities;
}

/** All capabilities in one parameter; the lengths have two bytes where one does not do. */
export function openBody(open: Open): Uint8Array {
  const capabilities = newWritten();
  for (const capability of open.capabilities) putCapability(capabilities, capability);
  const { length } = capabilities;
  const into = newWritten(32 + length);
  put8(into, version);
  put16(into, open.asn > 0xffff ? asTrans : open.asn);
  put16(into, open.holdTimeSeconds);
  put32(into, open.routerId);
  if (length === 0) put8(into, 0);
  else if (length + 2 <= 255) {
    put8(into, length + 2);
    put8(into, capabilitiesParameter);
    put8(into, length);
  } else {
    put8(into, extendedLength);
    put8(into, extendedLength);
    put16(into, length + 3);
    put8(into, capabilitiesParameter);
    put16(into, length);
  }
  putBytes(into, bytesOf(capabilities));
  return bytesOf(into);
}
