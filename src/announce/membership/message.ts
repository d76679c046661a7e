// Heartbeats and their answers as bytes: all of one is under the cluster's key, and reading is total.
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  addressFromBytes,
  addressToBytes,
  type Cidr,
  familyBits,
  formatAddress,
  parseAddress,
} from '../../model/address.ts';
import type { NodeInterface } from '../layer2/interfaces.ts';
import type { Configuration, Electorate } from './electorate.ts';
import type { Ack, Beat, Message, Refusal, Wanted } from './state.ts';

/** `foreign`: of another key, so another cluster's, or stale. `forged`: says it has our key, but has not. */
export type MessageError = { readonly error: 'malformed' | 'foreign' | 'forged' };

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

// magic (4), version (1), flags (1), key id (4), the sender's start (8), the receiver's (8), sequence (4), electorate's
// digest (8), session (4), both names (1 + n each), then what follows by kind (below), then the first 16 bytes of
// HMAC-SHA256 over all before it.
const magic = 0x474e5452;
const version = 2;
const fixedLength = 42;
const macLength = 16;
const flags = { ack: 1, ready: 2, leaving: 4, grants: 8, electorate: 16 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Throws RangeError for what no node has: a name of more than 255 bytes, or 65536 interfaces or addresses. */
export function writeMessage(message: Message, key: HeartbeatKey): Uint8Array {
  const body: number[] = [];
  putText(body, message.from);
  putText(body, message.to);
  putList(body, message.silent, putText);
  if (message.electorate !== undefined) putList(body, message.electorate, putConfiguration);
  let flag = message.electorate === undefined ? 0 : flags.electorate;
  if (message.kind === 'beat') {
    flag |= (message.ready ? flags.ready : 0) | (message.leaving ? flags.leaving : 0);
    body.push(message.patienceMilliseconds >>> 8, message.patienceMilliseconds & 0xff);
    putList(body, message.interfaces, putInterface);
    for (const keys of [message.asks, message.releases, message.handed]) putList(body, keys, putKey);
  } else {
    flag |= flags.ack | (message.grants ? flags.grants : 0);
    putList(body, message.granted, putKey);
    putList(body, message.refused, putRefusal);
    putList(body, message.released, putKey);
    putList(body, message.wanted, putWanted);
  }
  const bytes = new Uint8Array(fixedLength + body.length + macLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  view.setUint8(4, version);
  view.setUint8(5, flag);
  bytes.set(key.id, 6);
  view.setBigUint64(10, message.bootId);
  view.setBigUint64(18, message.toBootId);
  view.setUint32(26, message.sequence);
  view.setFloat64(30, message.electorateDigest);
  view.setUint32(38, message.session);
  bytes.set(body, fixedLength);
  const signed = bytes.subarray(0, bytes.length - macLength);
  bytes.set(codeOf(signed, key), signed.length);
  return bytes;
}

/** `keys`: those that are accepted; more than one while one gives way to the next. */
export function readMessage(bytes: Uint8Array, keys: readonly HeartbeatKey[]): Message | MessageError {
  if (bytes.length < fixedLength + macLength) return { error: 'malformed' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== magic || view.getUint8(4) !== version) return { error: 'malformed' };
  const key = keys.find(({ id }) => id.every((byte, index) => byte === bytes[6 + index]));
  if (key === undefined) return { error: 'foreign' };
  const signed = bytes.subarray(0, bytes.length - macLength);
  if (!timingSafeEqual(codeOf(signed, key), bytes.subarray(signed.length))) return { error: 'forged' };
  return readSigned(signed, view) ?? { error: 'malformed' };
}

function readSigned(signed: Uint8Array, view: DataView): Message | undefined {
  const flag = view.getUint8(5);
  const cursor: Cursor = { bytes: signed, at: fixedLength };
  const [from, to] = [takeText(cursor), takeText(cursor)];
  const silent = takeList(cursor, takeText);
  const electorate = flag & flags.electorate ? takeList(cursor, takeConfiguration) : undefined;
  if (from === undefined || to === undefined || silent === undefined) return undefined;
  if (flag & flags.electorate && (electorate === undefined || electorate.length === 0)) return undefined;
  const common = {
    from,
    bootId: view.getBigUint64(10),
    to,
    toBootId: view.getBigUint64(18),
    sequence: view.getUint32(26),
    electorateDigest: view.getFloat64(30),
    session: view.getUint32(38),
    silent,
    electorate,
  };
  const message = flag & flags.ack ? takeAck(cursor, common, flag) : takeBeat(cursor, common, flag);
  return cursor.at === signed.length ? message : undefined;
}

type Common = Pick<
  Message,
  | 'from'
  | 'bootId'
  | 'to'
  | 'toBootId'
  | 'sequence'
  | 'electorateDigest'
  | 'session'
  | 'silent'
  | 'electorate'
>;

function takeBeat(cursor: Cursor, common: Common, flag: number): Beat | undefined {
  const patienceMilliseconds = takeCount(cursor);
  const interfaces = takeList(cursor, takeInterface);
  const asks = takeList(cursor, takeKey);
  const releases = takeList(cursor, takeKey);
  const handed = takeList(cursor, takeKey);
  if (patienceMilliseconds === undefined || interfaces === undefined) return undefined;
  if (asks === undefined || releases === undefined || handed === undefined) return undefined;
  const [ready, leaving] = [(flag & flags.ready) !== 0, (flag & flags.leaving) !== 0];
  return {
    kind: 'beat',
    ...common,
    patienceMilliseconds,
    ready,
    leaving,
    interfaces,
    asks,
    releases,
    handed,
  };
}

function takeAck(cursor: Cursor, common: Common, flag: number): Ack | undefined {
  const granted = takeList(cursor, takeKey);
  const refused = takeList(cursor, takeRefusal);
  const released = takeList(cursor, takeKey);
  const wanted = takeList(cursor, takeWanted);
  if (granted === undefined || refused === undefined || released === undefined || wanted === undefined)
    return undefined;
  return { kind: 'ack', ...common, grants: (flag & flags.grants) !== 0, granted, refused, released, wanted };
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

function putList<T>(body: number[], items: readonly T[], put: (body: number[], item: T) => void): void {
  putCount(body, items.length);
  for (const item of items) put(body, item);
}

/** Addresses in their canonical form: by their length, 4 or 16, and their bytes. */
function putKey(body: number[], key: string): void {
  const address = parseAddress(key);
  if (address === undefined) throw new RangeError(`${key} is no address`);
  body.push(...lengthPrefixed(addressToBytes(address)));
}

function putRefusal(body: number[], { key, holder, lapsesInMilliseconds }: Refusal): void {
  putKey(body, key);
  putText(body, holder);
  body.push(lapsesInMilliseconds);
}

function putWanted(body: number[], { key, node }: Wanted): void {
  putKey(body, key);
  putText(body, node);
}

function putConfiguration(body: number[], { epoch, members }: Configuration): void {
  body.push(epoch >>> 24, (epoch >>> 16) & 0xff, (epoch >>> 8) & 0xff, epoch & 0xff);
  putList(body, members, putText);
}

function putInterface(body: number[], { name, up, subnets }: NodeInterface): void {
  putText(body, name);
  body.push(up ? 1 : 0);
  putList(body, subnets, (into, { address, prefixLength }) =>
    into.push(prefixLength, ...lengthPrefixed(addressToBytes(address))),
  );
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

/** Undefined where any of them is. */
function takeList<T>(cursor: Cursor, take: (cursor: Cursor) => T | undefined): T[] | undefined {
  const count = takeCount(cursor);
  if (count === undefined) return undefined;
  const items: T[] = [];
  for (let index = 0; index < count; index++) {
    const item = take(cursor);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

function takeKey(cursor: Cursor): string | undefined {
  const bytes = take(cursor, takeByte(cursor));
  return bytes?.length === 4 || bytes?.length === 16 ? formatAddress(addressFromBytes(bytes)) : undefined;
}

function takeRefusal(cursor: Cursor): Refusal | undefined {
  const [key, holder, lapsesInMilliseconds] = [takeKey(cursor), takeText(cursor), takeByte(cursor)];
  return key === undefined || holder === undefined || lapsesInMilliseconds === undefined
    ? undefined
    : { key, holder, lapsesInMilliseconds };
}

function takeWanted(cursor: Cursor): Wanted | undefined {
  const [key, node] = [takeKey(cursor), takeText(cursor)];
  return key === undefined || node === undefined ? undefined : { key, node };
}

function takeConfiguration(cursor: Cursor): Electorate[number] | undefined {
  const bytes = take(cursor, 4);
  const members = takeList(cursor, takeText);
  if (bytes === undefined || members === undefined || members.length === 0) return undefined;
  return { epoch: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), members };
}

function takeInterface(cursor: Cursor): NodeInterface | undefined {
  const [name, up] = [takeText(cursor), takeByte(cursor)];
  const subnets = takeList(cursor, takeCidr);
  return name === undefined || up === undefined || subnets === undefined
    ? undefined
    : { name, up: up !== 0, subnets };
}

function takeCidr(cursor: Cursor): Cidr | undefined {
  const prefixLength = takeByte(cursor);
  const bytes = take(cursor, takeByte(cursor));
  if (prefixLength === undefined || (bytes?.length !== 4 && bytes?.length !== 16)) return undefined;
  const address = addressFromBytes(bytes);
  return prefixLength > familyBits(address.family) ? undefined : { address, prefixLength };
}
