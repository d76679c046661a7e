// Heartbeats as bytes: who lives, since which start, on which interfaces, under which key. Reading is total.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { addressFromBytes, addressToBytes, type Cidr, familyBits } from '../../model/address.ts';
import type { NodeInterface } from '../layer2/interfaces.ts';

export interface Heartbeat {
  readonly node: string;
  /** A random number of this start of the process. */
  readonly bootId: bigint;
  /** Grows with every datagram of one start. */
  readonly sequence: bigint;
  /** Listening is over: the node may be elected. */
  readonly ready: boolean;
  /** The node's last word: its addresses are free at once. */
  readonly leaving: boolean;
  readonly interfaces: readonly NodeInterface[];
}

/** `foreign`: of another key, so another cluster's, or stale. `forged`: says it has our key, but has not. */
export type HeartbeatError = { readonly error: 'malformed' | 'foreign' | 'forged' };

export interface HeartbeatKey {
  readonly secret: Uint8Array;
  /** Tells other clusters' heartbeats from forged ones; says nothing of the secret. */
  readonly id: Uint8Array;
}

export function heartbeatKey(secret: Uint8Array): HeartbeatKey {
  return {
    secret,
    id: createHmac('sha256', secret).update('gantry heartbeat key id').digest().subarray(0, 4),
  };
}

// magic (4), version (1), flags (1), key id (4), boot id (8), sequence (8), node name (1 + n), interfaces (2 + …),
// then the first 16 bytes of HMAC-SHA256 over all before it.
const magic = 0x474e5452;
const version = 1;
const flagReady = 1;
const flagLeaving = 2;
const fixedLength = 26;
const macLength = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Throws RangeError for what no node has: a name of more than 255 bytes, or 65536 interfaces. */
export function writeHeartbeat(heartbeat: Heartbeat, key: HeartbeatKey): Uint8Array {
  const body: number[] = [];
  putText(body, heartbeat.node);
  putCount(body, heartbeat.interfaces.length);
  for (const { name, up, subnets } of heartbeat.interfaces) {
    putText(body, name);
    body.push(up ? 1 : 0);
    putCount(body, subnets.length);
    for (const { address, prefixLength } of subnets)
      body.push(prefixLength, ...lengthPrefixed(addressToBytes(address)));
  }
  const message = new Uint8Array(fixedLength + body.length + macLength);
  const view = new DataView(message.buffer);
  view.setUint32(0, magic);
  view.setUint8(4, version);
  view.setUint8(5, (heartbeat.ready ? flagReady : 0) | (heartbeat.leaving ? flagLeaving : 0));
  message.set(key.id, 6);
  view.setBigUint64(10, heartbeat.bootId);
  view.setBigUint64(18, heartbeat.sequence);
  message.set(body, fixedLength);
  const signed = message.subarray(0, message.length - macLength);
  message.set(codeOf(signed, key), signed.length);
  return message;
}

export function readHeartbeat(message: Uint8Array, key: HeartbeatKey): Heartbeat | HeartbeatError {
  if (message.length < fixedLength + 2 + macLength) return { error: 'malformed' };
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  if (view.getUint32(0) !== magic || view.getUint8(4) !== version) return { error: 'malformed' };
  if (!key.id.every((byte, index) => byte === message[6 + index])) return { error: 'foreign' };
  const signed = message.subarray(0, message.length - macLength);
  if (!timingSafeEqual(codeOf(signed, key), message.subarray(signed.length))) return { error: 'forged' };
  const cursor = { bytes: signed, at: fixedLength };
  const node = takeText(cursor);
  const interfaces = takeInterfaces(cursor);
  if (node === undefined || interfaces === undefined || cursor.at !== signed.length)
    return { error: 'malformed' };
  const flags = view.getUint8(5);
  return {
    node,
    bootId: view.getBigUint64(10),
    sequence: view.getBigUint64(18),
    ready: (flags & flagReady) !== 0,
    leaving: (flags & flagLeaving) !== 0,
    interfaces,
  };
}

const codeOf = (signed: Uint8Array, key: HeartbeatKey): Uint8Array =>
  createHmac('sha256', key.secret).update(signed).digest().subarray(0, macLength);

const lengthPrefixed = (bytes: Uint8Array): number[] => [bytes.length, ...bytes];

function putText(body: number[], text: string): void {
  const bytes = encoder.encode(text);
  if (bytes.length > 255) throw new RangeError(`a name of ${bytes.length} bytes does not fit a heartbeat`);
  body.push(...lengthPrefixed(bytes));
}

function putCount(body: number[], count: number): void {
  if (count > 0xffff) throw new RangeError(`${count} entries do not fit a heartbeat`);
  body.push(count >>> 8, count & 0xff);
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/** The next `length` bytes; undefined beyond the end. */
function take(cursor: Cursor, length: number | undefined): Uint8Array | undefined {
  if (length === undefined || cursor.at + length > cursor.bytes.length) return undefined;
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

const takeByte = (cursor: Cursor): number | undefined => take(cursor, 1)?.[0];

function takeCount(cursor: Cursor): number | undefined {
  const bytes = take(cursor, 2);
  return bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint16(0);
}

function takeText(cursor: Cursor): string | undefined {
  const bytes = take(cursor, takeByte(cursor));
  return bytes && decoder.decode(bytes);
}

function takeInterfaces(cursor: Cursor): NodeInterface[] | undefined {
  const count = takeCount(cursor);
  if (count === undefined) return undefined;
  const interfaces: NodeInterface[] = [];
  for (let index = 0; index < count; index++) {
    const name = takeText(cursor);
    const up = takeByte(cursor);
    const subnetCount = takeCount(cursor);
    if (name === undefined || up === undefined || subnetCount === undefined) return undefined;
    const subnets: Cidr[] = [];
    for (let subnet = 0; subnet < subnetCount; subnet++) {
      const cidr = takeCidr(cursor);
      if (cidr === undefined) return undefined;
      subnets.push(cidr);
    }
    interfaces.push({ name, up: up !== 0, subnets });
  }
  return interfaces;
}

function takeCidr(cursor: Cursor): Cidr | undefined {
  const prefixLength = takeByte(cursor);
  const bytes = take(cursor, takeByte(cursor));
  if (prefixLength === undefined || (bytes?.length !== 4 && bytes?.length !== 16)) return undefined;
  const address = addressFromBytes(bytes);
  return prefixLength > familyBits(address.family) ? undefined : { address, prefixLength };
}
