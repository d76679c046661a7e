// Bytes being written, and a cursor over bytes being read: what BGP messages are made of, in network order.

export interface Written {
  bytes: Uint8Array;
  length: number;
}

export const newWritten = (capacity = 256): Written => ({ bytes: new Uint8Array(capacity), length: 0 });

/** What was written; a view, valid until more is written. */
export const bytesOf = (into: Written): Uint8Array => into.bytes.subarray(0, into.length);

/** Where `length` more bytes may be written. */
function room(into: Written, length: number): number {
  const at = into.length;
  into.length += length;
  if (into.length > into.bytes.length) {
    const larger = new Uint8Array(2 * into.length);
    larger.set(into.bytes);
    into.bytes = larger;
  }
  return at;
}

export function put8(into: Written, value: number): void {
  const at = room(into, 1);
  into.bytes[at] = value;
}

export function put16(into: Written, value: number): void {
  const at = room(into, 2);
  into.bytes[at] = value >>> 8;
  into.bytes[at + 1] = value;
}

export function put32(into: Written, value: number): void {
  put16(into, value >>> 16);
  put16(into, value);
}

export function putBytes(into: Written, bytes: Uint8Array): void {
  const at = room(into, bytes.length);
  into.bytes.set(bytes, at);
}

/** Sets 16 bits that were written before, as lengths are once what they count is there. */
export function set16(into: Written, at: number, value: number): void {
  into.bytes[at] = value >>> 8;
  into.bytes[at + 1] = value;
}

export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

export const cursorOver = (bytes: Uint8Array): Cursor => ({ bytes, at: 0 });
export const remaining = (from: Cursor): number => from.bytes.length - from.at;

/** The next `length` bytes; undefined, and nothing taken, where there are fewer or no length. */
export function take(from: Cursor, length: number | undefined): Uint8Array | undefined {
  if (length === undefined || length > remaining(from)) return undefined;
  from.at += length;
  return from.bytes.subarray(from.at - length, from.at);
}

export function take8(from: Cursor): number | undefined {
  return take(from, 1)?.[0];
}

export function take16(from: Cursor): number | undefined {
  const bytes = take(from, 2);
  return bytes && number16(bytes, 0);
}

export function take32(from: Cursor): number | undefined {
  const bytes = take(from, 4);
  return bytes && number32(bytes, 0);
}

/** Bytes of their own: a Buffer's `slice` would be a view of what is overwritten soon. */
export const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** Beyond the end, zeros are read. */
export const number16 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) * 0x100 + (bytes[at + 1] ?? 0);

/** Beyond the end, zeros are read. */
export const number32 = (bytes: Uint8Array, at: number): number =>
  number16(bytes, at) * 0x1_0000 + number16(bytes, at + 2);
