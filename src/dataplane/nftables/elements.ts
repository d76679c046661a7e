// Packs set elements into one block of bytes, and takes them apart again.
import { type ChainVerdict, type Elements, paddedLength, type SetDefinition } from './operation.ts';

/** Bytes as a string of their values, one character each: compares and hashes as a map's key. */
export type ByteString = string;

export const byteString = (bytes: Uint8Array): ByteString =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

export interface Element {
  readonly key: ByteString;
  /** For sets of ranges. */
  readonly keyEnd?: ByteString;
  readonly data?: ByteString;
  /** For verdict maps. */
  readonly verdict?: ChainVerdict;
  readonly comment?: string;
}

/** How long a key and data of the set are, in bytes; a verdict has no bytes. */
export const elementLengths = (set: SetDefinition): { keyLength: number; dataLength: number } => ({
  keyLength: paddedLength(set.key),
  dataLength: set.data === undefined || set.data === 'verdict' ? 0 : paddedLength(set.data),
});

/** Elements whose keys alone matter, as for a deletion, may lack the rest. */
export function packElements(set: SetDefinition, elements: readonly Element[]): Elements {
  const { keyLength, dataLength } = elementLengths(set);
  const stride = keyLength * (set.ranges ? 2 : 1) + dataLength;
  const bytes = Buffer.alloc(stride * elements.length);
  const verdicts: ChainVerdict[] = [];
  const comments: string[] = [];
  let at = 0;
  for (const { key, keyEnd = '', data = '', verdict, comment } of elements) {
    bytes.write(key, at, 'latin1');
    if (set.ranges) bytes.write(keyEnd, at + keyLength, 'latin1');
    bytes.write(data, at + stride - dataLength, 'latin1');
    at += stride;
    if (verdict !== undefined) verdicts.push(verdict);
    if (comment !== undefined) comments.push(comment);
  }
  return {
    count: elements.length,
    keyLength,
    hasKeyEnd: set.ranges,
    dataLength,
    bytes,
    verdicts: verdicts.length > 0 ? verdicts : undefined,
    comments: comments.length > 0 ? comments : undefined,
  };
}

export function* unpackElements(elements: Elements): Generator<Element> {
  const { count, keyLength, hasKeyEnd, dataLength } = elements;
  const text = byteString(elements.bytes);
  const stride = keyLength * (hasKeyEnd ? 2 : 1) + dataLength;
  for (let index = 0; index < count; index++) {
    const at = index * stride;
    const verdict = elements.verdicts?.[index];
    yield {
      key: text.slice(at, at + keyLength),
      ...(hasKeyEnd && { keyEnd: text.slice(at + keyLength, at + 2 * keyLength) }),
      ...(dataLength > 0 && { data: text.slice(at + stride - dataLength, at + stride) }),
      ...(verdict !== undefined && { verdict }),
    };
  }
}
