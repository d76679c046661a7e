// Set elements as nf_tables' netlink attributes, and read back. This is the hot path of a first sync: packed bytes are
// copied into frames without an object an element.
import {
  attributeMap,
  type MessageWriter,
  readAttributes,
  readString,
  readUnsignedBe,
} from '../../linux/netlink-message.ts';
import * as nf from '../../linux/nf-tables.ts';
import { byteString, type Element } from './elements.ts';
import type { ChainVerdict, Elements } from './operation.ts';

/** An attribute's length has 16 bits, its own header included. */
const longestList = 0xffff - 4;
const nested = 0x8000;

/**
 * Writes elements in as many messages as it takes: `begin` starts each, up to where its list comes. Returns how many;
 * the last is not ended.
 */
export function writeElements(
  writer: MessageWriter,
  elements: Elements,
  withData: boolean,
  begin: (message: number) => void,
): number {
  const { element, copies, stride } = elementFrame(elements, withData);
  let messages = 0;
  let list = 0;
  let length = longestList;
  for (let index = 0; index < elements.count; index++) {
    const tail = variableTail(elements, index, withData);
    const size = element.length + tail.length;
    if (length + size > longestList) {
      if (messages > 0) {
        writer.endNest(list);
        writer.end();
      }
      begin(messages++);
      list = writer.beginNest(nf.NFTA_SET_ELEM_LIST_ELEMENTS);
      length = 0;
    }
    copyInto(element, elements.bytes, index * stride, copies);
    element.writeUInt16LE(size, 0);
    writer.raw(element);
    writer.raw(tail);
    length += size;
  }
  if (messages > 0) writer.endNest(list);
  return messages;
}

interface Copy {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

function copyInto(target: Uint8Array, bytes: Uint8Array, start: number, copies: readonly Copy[]): void {
  for (const { from, to, length } of copies)
    for (let index = 0; index < length; index++) target[to + index] = bytes[start + from + index] ?? 0;
}

/** The attributes that every element of the set has, and where its bytes go. */
function elementFrame(elements: Elements, withData: boolean) {
  const { keyLength, dataLength, hasKeyEnd } = elements;
  const stride = keyLength * (hasKeyEnd ? 2 : 1) + dataLength;
  const parts: { readonly type: number; readonly from: number; readonly length: number }[] = [
    { type: nf.NFTA_SET_ELEM_KEY, from: 0, length: keyLength },
  ];
  if (hasKeyEnd) parts.push({ type: nf.NFTA_SET_ELEM_KEY_END, from: keyLength, length: keyLength });
  if (withData && dataLength > 0)
    parts.push({ type: nf.NFTA_SET_ELEM_DATA, from: stride - dataLength, length: dataLength });

  const element = Buffer.alloc(4 + parts.reduce((sum, { length }) => sum + 8 + length, 0));
  element.writeUInt16LE(element.length, 0);
  element.writeUInt16LE(nf.NFTA_LIST_ELEM | nested, 2);
  const copies: Copy[] = [];
  let at = 4;
  for (const { type, from, length } of parts) {
    element.writeUInt16LE(8 + length, at);
    element.writeUInt16LE(type | nested, at + 2);
    element.writeUInt16LE(4 + length, at + 4);
    element.writeUInt16LE(nf.NFTA_DATA_VALUE, at + 6);
    copies.push({ from, to: at + 8, length });
    at += 8 + length;
  }
  return { element, copies, stride };
}

const nothing = Buffer.alloc(0);

/** What differs in length from element to element: a verdict's chain, a comment. */
function variableTail(elements: Elements, index: number, withData: boolean): Buffer {
  if (!withData) return nothing;
  const verdict = elements.verdicts?.[index];
  const comment = elements.comments?.[index];
  const parts: Buffer[] = [];
  if (verdict !== undefined) {
    const code = Buffer.alloc(4);
    code.writeUInt32BE(verdict.kind === 'goto' ? nf.NFT_GOTO : nf.NFT_JUMP);
    const data = Buffer.concat([
      attribute(nf.NFTA_VERDICT_CODE, code),
      attribute(nf.NFTA_VERDICT_CHAIN, Buffer.from(`${verdict.chain}\0`, 'latin1')),
    ]);
    const nest = attribute(nf.NFTA_DATA_VERDICT | nested, data);
    parts.push(attribute(nf.NFTA_SET_ELEM_DATA | nested, nest));
  }
  if (comment !== undefined && comment !== '') parts.push(commentAttribute(comment));
  return parts.length === 0 ? nothing : Buffer.concat(parts);
}

/** nft's own form (NFTNL_UDATA_SET_ELEM_COMMENT, type 0): type, length, text with its zero; shown up to 128 bytes. */
function commentAttribute(comment: string): Buffer {
  const text = Buffer.from(`${comment.slice(0, 127)}\0`, 'latin1');
  return attribute(nf.NFTA_SET_ELEM_USERDATA, Buffer.concat([Buffer.of(0, text.length), text]));
}

function attribute(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + payload.length + 3) & ~3);
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(payload, 4);
  return bytes;
}

/** The elements of one message of a dump. */
export function* readElementList(payload: Uint8Array, offset: number): Generator<Element> {
  for (const [type, list] of readAttributes(payload, offset)) {
    if (type !== nf.NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    for (const [, element] of readAttributes(list)) yield readElement(element);
  }
}

function readElement(bytes: Uint8Array): Element {
  let key = '';
  let keyEnd: string | undefined;
  let data: string | undefined;
  let verdict: ChainVerdict | undefined;
  for (const [type, value] of readAttributes(bytes)) {
    if (type === nf.NFTA_SET_ELEM_KEY) key = readValue(value) ?? '';
    else if (type === nf.NFTA_SET_ELEM_KEY_END) keyEnd = readValue(value);
    else if (type === nf.NFTA_SET_ELEM_DATA) {
      data = readValue(value);
      if (data === undefined) verdict = readVerdict(value);
    }
  }
  return {
    key,
    ...(keyEnd !== undefined && { keyEnd }),
    ...(data !== undefined && { data }),
    ...(verdict !== undefined && { verdict }),
  };
}

function readValue(data: Uint8Array): string | undefined {
  for (const [type, value] of readAttributes(data)) if (type === nf.NFTA_DATA_VALUE) return byteString(value);
  return undefined;
}

function readVerdict(data: Uint8Array): ChainVerdict | undefined {
  const verdict = attributeMap(data).get(nf.NFTA_DATA_VERDICT);
  if (verdict === undefined) return undefined;
  const parts = attributeMap(verdict);
  const isGoto = readUnsignedBe(parts.get(nf.NFTA_VERDICT_CODE)) === nf.NFT_GOTO;
  return { kind: isGoto ? 'goto' : 'jump', chain: readString(parts.get(nf.NFTA_VERDICT_CHAIN)) };
}
