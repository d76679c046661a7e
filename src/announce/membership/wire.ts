// What messages are made of, as bytes: counts, names, addresses, lists; written into a buffer, read by a cursor. What comes
// again and again, as names and addresses do, is translated once.
import {
  addressFromBytes,
  addressToBytes,
  type Cidr,
  familyBits,
  formatAddress,
} from '../../model/address.ts';
import { holdingKey, parseHolding, sharesPerAddress } from '../../model/share.ts';

export interface Buffered {
  bytes: Uint8Array;
  length: number;
}

export const newBuffer = (): Buffered => ({ bytes: new Uint8Array(2048), length: 0 });

function room(into: Buffered, length: number): number {
  const at = into.length;
  into.length += length;
  if (into.length > into.bytes.length) {
    const larger = new Uint8Array(2 * into.length);
    larger.set(into.bytes);
    into.bytes = larger;
  }
  return at;
}

export function putByte(into: Buffered, byte: number): void {
  const at = room(into, 1);
  into.bytes[at] = byte;
}

/** Throws RangeError for more than 65,535. */
export function putCount(into: Buffered, count: number): void {
  if (count > 0xffff) throw new RangeError(`${count} entries do not fit a heartbeat`);
  const at = room(into, 2);
  into.bytes[at] = count >>> 8;
  into.bytes[at + 1] = count & 0xff;
}

export function putNumber(into: Buffered, number: number): void {
  putCount(into, number >>> 16);
  putCount(into, number & 0xffff);
}

export function putBytes(into: Buffered, bytes: Uint8Array): void {
  const at = room(into, bytes.length);
  into.bytes.set(bytes, at);
}

export function putList<T>(
  into: Buffered,
  items: readonly T[],
  put: (into: Buffered, item: T) => void,
): void {
  putCount(into, items.length);
  for (const item of items) put(into, item);
}

/** Translations that are made once; when there are too many, all are forgotten. */
function remembering<V>(translate: (key: string) => V): (key: string) => V {
  const known = new Map<string, V>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = translate(key);
      if (known.size >= 40_000) known.clear();
      known.set(key, value);
    }
    return value;
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const prefixed = (bytes: Uint8Array): Uint8Array => Uint8Array.of(bytes.length, ...bytes);

const textBytes = remembering((text) => {
  const bytes = encoder.encode(text);
  if (bytes.length > 255) throw new RangeError(`a name of ${bytes.length} bytes does not fit a heartbeat`);
  return prefixed(bytes);
});

/** Throws RangeError for more than 255 bytes. */
export const putText = (into: Buffered, text: string): void => putBytes(into, textBytes(text));

const keyBytes = remembering((key) => {
  const holding = parseHolding(key);
  if (holding === undefined) throw new RangeError(`${key} is no address`);
  const { address, share } = holding;
  return prefixed(Uint8Array.of(...addressToBytes(address), ...(share === undefined ? [] : [share])));
});

/**
 * An address in its canonical form: by its length, 4 or 16, and its bytes; a share of one: by a length of one more, and
 * the share's byte after the address's. Throws RangeError for what is neither.
 */
export const putKey = (into: Buffered, key: string): void => putBytes(into, keyBytes(key));

export function putCidr(into: Buffered, { address, prefixLength }: Cidr): void {
  putByte(into, prefixLength);
  putBytes(into, prefixed(addressToBytes(address)));
}

export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/** The next `length` bytes; undefined beyond the end. */
export function take(cursor: Cursor, length: number | undefined): Uint8Array | undefined {
  if (length === undefined || cursor.at + length > cursor.bytes.length) return undefined;
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

export function takeByte(cursor: Cursor): number | undefined {
  const byte = cursor.bytes[cursor.at];
  if (byte !== undefined) cursor.at++;
  return byte;
}

export function takeCount(cursor: Cursor): number | undefined {
  const [high, low] = [takeByte(cursor), takeByte(cursor)];
  return high === undefined || low === undefined ? undefined : high * 256 + low;
}

export function takeNumber(cursor: Cursor): number | undefined {
  const [high, low] = [takeCount(cursor), takeCount(cursor)];
  return high === undefined || low === undefined ? undefined : high * 0x1_0000 + low;
}

/** Undefined where any of them is. */
export function takeList<T>(cursor: Cursor, takeOne: (cursor: Cursor) => T | undefined): T[] | undefined {
  const count = takeCount(cursor);
  if (count === undefined) return undefined;
  const items: T[] = [];
  for (let index = 0; index < count; index++) {
    const item = takeOne(cursor);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

/** Bytes as a string of their values, one character each: a map's key. */
export const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const textOf = remembering((bytes) => decoder.decode(bytesOf(bytes)));

export function takeText(cursor: Cursor): string | undefined {
  const bytes = take(cursor, takeByte(cursor));
  return bytes && textOf(latin1(bytes));
}

const keyOf = remembering((latin) => {
  const bytes = bytesOf(latin);
  const length = bytes.length < 16 ? 4 : 16;
  return holdingKey(formatAddress(addressFromBytes(bytes.subarray(0, length))), bytes[length]);
});

export function takeKey(cursor: Cursor): string | undefined {
  const bytes = take(cursor, takeByte(cursor));
  if (bytes?.length === 4 || bytes?.length === 16) return keyOf(latin1(bytes));
  const isShare = (bytes?.length === 5 || bytes?.length === 17) && (bytes.at(-1) ?? 0) < sharesPerAddress;
  return isShare ? keyOf(latin1(bytes)) : undefined;
}

export function takeCidr(cursor: Cursor): Cidr | undefined {
  const prefixLength = takeByte(cursor);
  const bytes = take(cursor, takeByte(cursor));
  if (prefixLength === undefined || (bytes?.length !== 4 && bytes?.length !== 16)) return undefined;
  const address = addressFromBytes(bytes);
  return prefixLength > familyBits(address.family) ? undefined : { address, prefixLength };
}
