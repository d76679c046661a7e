// Hellos as Ethernet frames, under the cluster's key: they need no addresses on the link. Reading is total.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { HeartbeatKey } from '../membership/message.ts';
import { broadcastMac, viewOf } from './ethernet.ts';
import type { Hello } from './segment-watch.ts';

/** IEEE 802's first EtherType for local use (RFC 9542 §3.4). */
export const etherTypeHello = 0x88b5;

// Ethernet header (14), magic (4), key id (4), length (2), JSON, then the first 16 bytes of HMAC-SHA256 over all from the
// magic on. What follows is padding.
const magic = 0x474e5448;
const headerLength = 24;
const macLength = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Throws RangeError for one that does not fit a frame. */
export function writeHello(hello: Hello, mac: Uint8Array, key: HeartbeatKey): Uint8Array {
  const text = encoder.encode(JSON.stringify({ ...hello, bootId: String(hello.bootId) }));
  if (text.length > 1400) throw new RangeError(`a hello of ${text.length} bytes does not fit a frame`);
  const frame = new Uint8Array(headerLength + text.length + macLength);
  const view = viewOf(frame);
  frame.set(broadcastMac, 0);
  frame.set(mac, 6);
  view.setUint16(12, etherTypeHello);
  view.setUint32(14, magic);
  frame.set(key.id, 18);
  view.setUint16(22, text.length);
  frame.set(text, headerLength);
  frame.set(codeOf(frame, text.length, key), headerLength + text.length);
  return frame;
}

/** Undefined for what is none, or of another cluster. `keys`: those that are accepted. */
export function readHello(frame: Uint8Array, keys: readonly HeartbeatKey[]): Hello | undefined {
  if (frame.length < headerLength + macLength) return undefined;
  const view = viewOf(frame);
  if (view.getUint16(12) !== etherTypeHello || view.getUint32(14) !== magic) return undefined;
  const length = view.getUint16(22);
  const end = headerLength + length;
  if (frame.length < end + macLength) return undefined;
  const key = keys.find(({ id }) => id.every((byte, index) => byte === frame[18 + index]));
  if (key === undefined) return undefined;
  if (!timingSafeEqual(codeOf(frame, length, key), frame.subarray(end, end + macLength))) return undefined;
  return parseHello(decoder.decode(frame.subarray(headerLength, end)));
}

const codeOf = (frame: Uint8Array, length: number, key: HeartbeatKey): Uint8Array =>
  createHmac('sha256', key.secret)
    .update(frame.subarray(14, headerLength + length))
    .digest()
    .subarray(0, macLength);

function parseHello(text: string): Hello | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { from, bootId, sequence, interfaceName, hears }: Record<string, unknown> = { ...value };
  if (typeof from !== 'string' || typeof interfaceName !== 'string') return undefined;
  if (typeof bootId !== 'string' || !/^\d{1,20}$/.test(bootId) || !Number.isInteger(sequence))
    return undefined;
  if (!Array.isArray(hears) || !hears.every((name) => typeof name === 'string')) return undefined;
  return { from, bootId: BigInt(bootId), sequence: Number(sequence), interfaceName, hears };
}
