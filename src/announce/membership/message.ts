// Heartbeats and their answers as bytes: all of one is under the cluster's key, and reading is total.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { NodeInterface } from '../layer2/interfaces.ts';
import type { Configuration, Electorate } from './electorate.ts';
import type { Ack, Beat, Message, Refusal, Wanted } from './state.ts';
import {
  type Buffered,
  type Cursor,
  latin1,
  newBuffer,
  putByte,
  putBytes,
  putCidr,
  putCount,
  putKey,
  putList,
  putNumber,
  putText,
  take,
  takeByte,
  takeCidr,
  takeCount,
  takeKey,
  takeList,
  takeNumber,
  takeText,
} from './wire.ts';

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
// HMAC-SHA256 over all before it. A watcher of many takes and answers hundreds a second, nearly all without addresses:
// such a message has none of the lists.
const magic = 0x474e5452;
const version = 4;
const fixedLength = 42;
const macLength = 16;
const flags = { ack: 1, ready: 2, leaving: 4, grants: 8, electorate: 16, interfaces: 32, addresses: 64 };

/** Throws RangeError for what no node has: a name of more than 255 bytes, or 65536 interfaces or addresses. */
export function writeMessage(message: Message, key: HeartbeatKey): Uint8Array {
  const body = scratch;
  body.length = fixedLength;
  putText(body, message.from);
  putText(body, message.to);
  putList(body, message.silent, putText);
  if (message.electorate !== undefined) putList(body, message.electorate, putConfiguration);
  let flag = message.electorate === undefined ? 0 : flags.electorate;
  if (message.kind === 'beat') {
    flag |= (message.ready ? flags.ready : 0) | (message.leaving ? flags.leaving : 0);
    putCount(body, message.patienceMilliseconds);
    if (message.interfaces !== undefined) {
      flag |= flags.interfaces;
      putBytes(body, interfacesAsBytes(message.interfaces));
    }
  } else {
    flag |= flags.ack | (message.grants ? flags.grants : 0);
  }
  if (hasAddresses(message)) {
    flag |= flags.addresses;
    putAddresses(body, message);
  }
  const bytes = new Uint8Array(body.length + macLength);
  bytes.set(body.bytes.subarray(0, body.length));
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
  bytes.set(codeOf(bytes.subarray(0, body.length), key), body.length);
  return bytes;
}

const hasAddresses = (message: Message): boolean =>
  message.kind === 'beat'
    ? message.asks.length + message.releases.length + message.handed.length > 0
    : message.granted.length + message.refused.length + message.released.length + message.wanted.length > 0;

function putAddresses(body: Buffered, message: Message): void {
  if (message.kind === 'beat') {
    for (const keys of [message.asks, message.releases, message.handed]) putList(body, keys, putKey);
    return;
  }
  putList(body, message.granted, putKey);
  putList(body, message.refused, putRefusal);
  putList(body, message.released, putKey);
  putList(body, message.wanted, putWanted);
}

/** Each message is written here first. */
const scratch = newBuffer();

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
  const tellsInterfaces = (flag & flags.interfaces) !== 0;
  const interfaces = tellsInterfaces ? takeInterfaces(cursor) : undefined;
  const takeKeys = () => (flag & flags.addresses ? takeList(cursor, takeKey) : []);
  const [asks, releases, handed] = [takeKeys(), takeKeys(), takeKeys()];
  if (patienceMilliseconds === undefined || (tellsInterfaces && interfaces === undefined)) return undefined;
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
  const has = (flag & flags.addresses) !== 0;
  const granted = has ? takeList(cursor, takeKey) : [];
  const refused = has ? takeList(cursor, takeRefusal) : [];
  const released = has ? takeList(cursor, takeKey) : [];
  const wanted = has ? takeList(cursor, takeWanted) : [];
  if (granted === undefined || refused === undefined || released === undefined || wanted === undefined)
    return undefined;
  return { kind: 'ack', ...common, grants: (flag & flags.grants) !== 0, granted, refused, released, wanted };
}

const codeOf = (signed: Uint8Array, key: HeartbeatKey): Uint8Array =>
  createHmac('sha256', key.secret).update(signed).digest().subarray(0, macLength);

function putRefusal(into: Buffered, { key, holder, lapsesInMilliseconds }: Refusal): void {
  putKey(into, key);
  putText(into, holder);
  putByte(into, lapsesInMilliseconds);
}

function takeRefusal(cursor: Cursor): Refusal | undefined {
  const [key, holder, lapsesInMilliseconds] = [takeKey(cursor), takeText(cursor), takeByte(cursor)];
  return key === undefined || holder === undefined || lapsesInMilliseconds === undefined
    ? undefined
    : { key, holder, lapsesInMilliseconds };
}

function putWanted(into: Buffered, { key, node }: Wanted): void {
  putKey(into, key);
  putText(into, node);
}

function takeWanted(cursor: Cursor): Wanted | undefined {
  const [key, node] = [takeKey(cursor), takeText(cursor)];
  return key === undefined || node === undefined ? undefined : { key, node };
}

function putConfiguration(into: Buffered, { epoch, members }: Configuration): void {
  putNumber(into, epoch);
  putList(into, members, putText);
}

function takeConfiguration(cursor: Cursor): Electorate[number] | undefined {
  const epoch = takeNumber(cursor);
  const members = takeList(cursor, takeText);
  if (epoch === undefined || members === undefined || members.length === 0) return undefined;
  return { epoch, members };
}

/** All of a node's, with their length: they are the same in one heartbeat after the other. */
const writtenInterfaces = new WeakMap<readonly NodeInterface[], Uint8Array>();

function interfacesAsBytes(interfaces: readonly NodeInterface[]): Uint8Array {
  const written = writtenInterfaces.get(interfaces);
  if (written !== undefined) return written;
  const body = newBuffer();
  putList(body, interfaces, (into, { name, up, subnets }) => {
    putText(into, name);
    putByte(into, up ? 1 : 0);
    putList(into, subnets, putCidr);
  });
  const whole = newBuffer();
  putCount(whole, body.length);
  putBytes(whole, body.bytes.subarray(0, body.length));
  const bytes = whole.bytes.slice(0, whole.length);
  writtenInterfaces.set(interfaces, bytes);
  return bytes;
}

const readInterfaces = new Map<string, readonly NodeInterface[]>();

function takeInterfaces(cursor: Cursor): readonly NodeInterface[] | undefined {
  const bytes = take(cursor, takeCount(cursor));
  if (bytes === undefined) return undefined;
  const known = readInterfaces.get(latin1(bytes));
  if (known !== undefined) return known;
  const inner: Cursor = { bytes, at: 0 };
  const interfaces = takeList(inner, takeInterface);
  if (interfaces === undefined || inner.at !== bytes.length) return undefined;
  if (readInterfaces.size >= 1000) readInterfaces.clear();
  readInterfaces.set(latin1(bytes), interfaces);
  return interfaces;
}

function takeInterface(cursor: Cursor): NodeInterface | undefined {
  const [name, up] = [takeText(cursor), takeByte(cursor)];
  const subnets = takeList(cursor, takeCidr);
  return name === undefined || up === undefined || subnets === undefined
    ? undefined
    : { name, up: up !== 0, subnets };
}
