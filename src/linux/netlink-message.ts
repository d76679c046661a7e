// Netlink messages and attributes as bytes (include/uapi/linux/netlink.h): a writer with a growing buffer, and readers.
// Headers and plain integers are in the host's order; every machine that Gantry runs on is little-endian.

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

export const NLMSG_ERROR = 0x2;
export const NLMSG_DONE = 0x3;

const headerLength = 16;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

const align = (length: number): number => (length + 3) & ~3;

/** Builds one or more messages one after the other. Reusable: `reset` keeps the buffer. */
export class MessageWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #messageStart = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  reset(): void {
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far, as a view that the next write may invalidate. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Starts a message; `end` fills in its length. */
  begin(type: number, flags: number, sequence: number): void {
    const at = this.#reserve(headerLength);
    this.#messageStart = at;
    this.#view.setUint16(at + 4, type, true);
    this.#view.setUint16(at + 6, flags, true);
    this.#view.setUint32(at + 8, sequence, true);
  }

  end(): void {
    this.#view.setUint32(this.#messageStart, this.#length - this.#messageStart, true);
  }

  /** Adds flags to the message that was begun last. */
  addFlags(flags: number): void {
    const at = this.#messageStart + 6;
    this.#view.setUint16(at, this.#view.getUint16(at, true) | flags, true);
  }

  /** Bytes of a protocol's own header, padded to four. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  attribute(type: number, payload: Uint8Array): void {
    const at = this.#attributeHeader(type, payload.length);
    this.#bytes.set(payload, at);
  }

  /** An attribute without payload. */
  flag(type: number): void {
    this.#attributeHeader(type, 0);
  }

  u8(type: number, value: number): void {
    const at = this.#attributeHeader(type, 1);
    this.#view.setUint8(at, value);
  }

  u16(type: number, value: number): void {
    const at = this.#attributeHeader(type, 2);
    this.#view.setUint16(at, value, true);
  }

  u16be(type: number, value: number): void {
    const at = this.#attributeHeader(type, 2);
    this.#view.setUint16(at, value);
  }

  u32(type: number, value: number): void {
    const at = this.#attributeHeader(type, 4);
    this.#view.setUint32(at, value, true);
  }

  u32be(type: number, value: number): void {
    const at = this.#attributeHeader(type, 4);
    this.#view.setUint32(at, value);
  }

  u64be(type: number, value: bigint): void {
    const at = this.#attributeHeader(type, 8);
    this.#view.setBigUint64(at, value);
  }

  /** ASCII text, ended by a zero byte. */
  string(type: number, text: string): void {
    const at = this.#attributeHeader(type, text.length + 1);
    for (let index = 0; index < text.length; index++) this.#bytes[at + index] = text.charCodeAt(index);
  }

  /** Opens a nested attribute; give the returned mark to `endNest`. */
  beginNest(type: number): number {
    return this.#attributeHeader(type | NLA_F_NESTED, 0) - 4;
  }

  endNest(mark: number): void {
    this.#view.setUint16(mark, this.#length - mark, true);
  }

  /** Writes the attribute's header, reserves its padded payload (zeroed) and returns the payload's offset. */
  #attributeHeader(type: number, payloadLength: number): number {
    const at = this.#reserve(4 + payloadLength);
    this.#view.setUint16(at, 4 + payloadLength, true);
    this.#view.setUint16(at + 2, type, true);
    return at + 4;
  }

  /** May replace the buffer: take `#bytes` and `#view` only after it. */
  #reserve(length: number): number {
    const at = this.#length;
    const end = at + align(length);
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    } else this.#bytes.fill(0, at, end);
    this.#length = end;
    return at;
  }
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** After the netlink header: the protocol's header and the attributes. A view, valid as long as its buffer. */
  readonly payload: Uint8Array;
}

/** The messages of one datagram. Stops at the first that is cut short. */
export function* readMessages(datagram: Uint8Array): Generator<NetlinkMessage> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  let at = 0;
  while (at + headerLength <= datagram.length) {
    const length = view.getUint32(at, true);
    if (length < headerLength || at + length > datagram.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: datagram.subarray(at + headerLength, at + length),
    };
    at += align(length);
  }
}

/** Attribute types and payloads in order, from `offset` on. Stops at the first that is cut short. */
export function* readAttributes(payload: Uint8Array, offset = 0): Generator<readonly [number, Uint8Array]> {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  let at = offset;
  while (at + 4 <= payload.length) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > payload.length) return;
    yield [view.getUint16(at + 2, true) & NLA_TYPE_MASK, payload.subarray(at + 4, at + length)];
    at += align(length);
  }
}

/** The same as a map; of attributes that repeat, the last. */
export const attributeMap = (payload: Uint8Array, offset = 0): Map<number, Uint8Array> =>
  new Map(readAttributes(payload, offset));

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** An attribute's integer in the host's order: 1, 2 or 4 bytes; 0 for an absent one. */
export function readUnsigned(bytes: Uint8Array | undefined): number {
  switch (bytes?.length) {
    case 1:
      return viewOf(bytes).getUint8(0);
    case 2:
      return viewOf(bytes).getUint16(0, true);
    case 4:
      return viewOf(bytes).getUint32(0, true);
    default:
      return 0;
  }
}

/** The same in network order. */
export function readUnsignedBe(bytes: Uint8Array | undefined): number {
  switch (bytes?.length) {
    case 1:
      return viewOf(bytes).getUint8(0);
    case 2:
      return viewOf(bytes).getUint16(0);
    case 4:
      return viewOf(bytes).getUint32(0);
    default:
      return 0;
  }
}

/** Text up to the first zero byte. */
export function readString(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return '';
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? bytes.length : end).toString('latin1');
}
