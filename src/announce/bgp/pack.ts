// Routes packed into UPDATEs: as many as fit a message, one message at least for each set of attributes.
import type { Family } from '../../model/address.ts';
import { afiOf, unicast } from './address-family.ts';
import { type Attribute, attributeCode, attributeFlag, codeOf, reachCode, unreachCode } from './attribute.ts';
import { bytesOf, newWritten, put8, put16, putBytes, set16, type Written } from './bytes.ts';
import { extendedLimit, headerLength, plainLimit, writeHeader } from './message.ts';
import { type PathSet, usesReach } from './path-set.ts';
import { type Prefix, prefixBytes, putPrefix } from './prefix.ts';
import { putReachHead } from './reach.ts';
import { putAttributes } from './update.ts';

export interface PackContext {
  readonly family: Family;
  readonly isFourByteAs: boolean;
  readonly isExtended: boolean;
}

/**
 * Path identifiers are written where prefixes have them. Where the attributes alone are too long for a message,
 * the routes are withdrawn (RFC 8654 §4).
 */
export function packAnnounced(prefixes: readonly Prefix[], set: PathSet, context: PackContext): Uint8Array[] {
  const messages = usesReach(context.family, set)
    ? packReach(prefixes, set, context)
    : packClassic(prefixes, set, context);
  const isTooLong = messages.some(({ length }) => length > limitOf(context));
  return isTooLong ? packWithdrawn(prefixes, context) : messages;
}

const limitOf = ({ isExtended }: PackContext): number => (isExtended ? extendedLimit : plainLimit);

function packClassic(prefixes: readonly Prefix[], set: PathSet, context: PackContext): Uint8Array[] {
  const [address] = set.nextHops;
  const head = start();
  put16(head, 0);
  put16(head, 0);
  putAttributes(head, before(set, attributeCode['next-hop']), context.isFourByteAs);
  if (address !== undefined) putAttributes(head, [{ kind: 'next-hop', address }], context.isFourByteAs);
  putAttributes(head, after(set, attributeCode['next-hop']), context.isFourByteAs);
  set16(head, headerLength + 2, head.length - headerLength - 4);
  return fill(prefixes, head, new Uint8Array(0), limitOf(context), () => {});
}

function packReach(prefixes: readonly Prefix[], set: PathSet, context: PackContext): Uint8Array[] {
  const head = start();
  put16(head, 0);
  put16(head, 0);
  putAttributes(head, before(set, reachCode), context.isFourByteAs);
  const at = head.length;
  putLong(head, reachCode);
  putReachHead(head, context.family, set.nextHops);
  const tail = newWritten(64);
  putAttributes(tail, after(set, reachCode), context.isFourByteAs);
  return fill(prefixes, head, bytesOf(tail), limitOf(context), (into) => {
    set16(into, at + 2, into.length - at - 4 - tail.length);
    set16(into, headerLength + 2, into.length - headerLength - 4);
  });
}

const before = ({ attributes }: PathSet, code: number): Attribute[] =>
  attributes.filter((one) => codeOf(one) < code);
const after = ({ attributes }: PathSet, code: number): Attribute[] =>
  attributes.filter((one) => codeOf(one) > code);

/** Chunked like announcements. */
export function packWithdrawn(prefixes: readonly Prefix[], context: PackContext): Uint8Array[] {
  const head = start();
  put16(head, 0);
  if (context.family === 'IPv4')
    // The attributes' length, which is 0, comes behind the routes.
    return fill(prefixes, head, new Uint8Array(2), limitOf(context), (into) =>
      set16(into, headerLength, into.length - headerLength - 4),
    );
  put16(head, 0);
  const at = head.length;
  putLong(head, unreachCode);
  put16(head, afiOf(context.family));
  put8(head, unicast);
  return fill(prefixes, head, new Uint8Array(0), limitOf(context), (into) => {
    set16(into, at + 2, into.length - at - 4);
    set16(into, headerLength + 2, into.length - headerLength - 4);
  });
}

/** What is written of one set is copied before the next begins: a hundred thousand of them need no room each. */
const scratch = newWritten(plainLimit);

/** With the header's room. */
function start(): Written {
  scratch.length = headerLength;
  return scratch;
}

/** An attribute's head with a two-byte length, to be set later. */
function putLong(into: Written, code: number): void {
  put8(into, attributeFlag.optional | attributeFlag.extendedLength);
  put8(into, code);
  put16(into, 0);
}

function fill(
  prefixes: readonly Prefix[],
  head: Written,
  tail: Uint8Array,
  limit: number,
  close: (into: Written) => void,
): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const first = head.length;
  const most = limit - tail.length;
  const finish = (): void => {
    putBytes(head, tail);
    close(head);
    const message = head.bytes.slice(0, head.length);
    writeHeader(message, 'update');
    messages.push(message);
    head.length = first;
  };
  for (const prefix of prefixes) {
    if (head.length > first && head.length + prefixBytes(prefix) > most) finish();
    putPrefix(head, prefix);
  }
  if (head.length > first) finish();
  return messages;
}
