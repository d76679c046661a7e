// UPDATE messages (RFC 4271 §4.3), read with the manners of RFC 7606: what is wrong with an attribute costs the attribute
// or the routes of its message, and the session only where the routes themselves cannot be read.
import type { Family } from '../../model/address.ts';
import {
  type Attribute,
  attributeFlag,
  attributeFlags,
  codeOf,
  reachCode,
  unreachCode,
} from './attribute.ts';
import { type AttributeFault, readAttributes } from './attribute-list.ts';
import { putValue } from './attribute-value.ts';
import {
  bytesOf,
  cursorOver,
  newWritten,
  put8,
  put16,
  putBytes,
  set16,
  take,
  take16,
  type Written,
} from './bytes.ts';
import { type Notification, notification } from './notification.ts';
import { errorCode, updateError } from './notification-code.ts';
import { type Prefix, putPrefix, readPrefixes } from './prefix.ts';
import { putReach, putUnreach, type Reach, type Unreach } from './reach.ts';

export interface Update {
  readonly kind: 'update';
  /** Classic IPv4 (RFC 4271); `unreach` and `reach` are RFC 4760's, of either family. */
  readonly withdrawn: readonly Prefix[];
  readonly unreach: Unreach | undefined;
  /** Ascending by code, as they are written. */
  readonly attributes: readonly Attribute[];
  readonly reach: Reach | undefined;
  readonly announced: readonly Prefix[];
  /** What was wrong, the gravest consequence first; empty in what we write. */
  readonly faults: readonly AttributeFault[];
}

/** What the two sides have agreed on, which an UPDATE cannot be read without. */
export interface UpdateContext {
  readonly isFourByteAs: boolean;
  /** The families whose prefixes have path identifiers in this direction. */
  readonly pathIds: ReadonlySet<Family>;
  /** iBGP: LOCAL_PREF is heeded (RFC 7606 §7.5). */
  readonly isInternal: boolean;
}

const reset = (subcode: number, data?: Uint8Array): { readonly error: Notification } => ({
  error: notification(errorCode.update, subcode, data),
});

/** Reads a message's body; the error is the NOTIFICATION that ends the session. */
export function readUpdate(
  body: Uint8Array,
  context: UpdateContext,
): Update | { readonly error: Notification } {
  const from = cursorOver(body);
  const withdrawnField = take(from, take16(from));
  const attributesField = take(from, take16(from));
  if (withdrawnField === undefined || attributesField === undefined)
    return reset(updateError.malformedAttributes);
  const hasPathIds = context.pathIds.has('IPv4');
  const withdrawn = readPrefixes(withdrawnField, 'IPv4', hasPathIds);
  const announced = readPrefixes(body.subarray(from.at), 'IPv4', hasPathIds);
  if (withdrawn === undefined || announced === undefined) return reset(updateError.networkField);
  const list = readAttributes(attributesField, context, announced.length > 0);
  if ('error' in list) return list;
  return { kind: 'update', withdrawn, announced, ...list };
}

/** An empty message of its family says that all was sent (RFC 4724 §2). */
export function endOfRibOf(update: Update): Family | undefined {
  const { withdrawn, announced, reach, unreach, attributes, faults } = update;
  if (withdrawn.length + announced.length + attributes.length + faults.length > 0) return undefined;
  if (reach !== undefined) return undefined;
  if (unreach === undefined) return 'IPv4';
  return unreach.prefixes.length === 0 ? unreach.family : undefined;
}

/** Classic for IPv4, also where its routes went by MP_REACH (RFC 4724 §2). */
export const endOfRib = (family: Family): Update => ({
  kind: 'update',
  withdrawn: [],
  unreach: family === 'IPv4' ? undefined : { family, prefixes: [] },
  attributes: [],
  reach: undefined,
  announced: [],
  faults: [],
});

/** The routes that are good, and those that are gone: those of a message to be treated as a withdrawal count as gone. */
export function routesOf(update: Update): {
  readonly good: readonly Prefix[];
  readonly gone: readonly Prefix[];
} {
  const announced = [...update.announced, ...(update.reach?.prefixes ?? [])];
  const gone = [...update.withdrawn, ...(update.unreach?.prefixes ?? [])];
  const isWithdrawal = update.faults.some(({ consequence }) => consequence === 'treat-as-withdraw');
  return isWithdrawal ? { good: [], gone: [...gone, ...announced] } : { good: announced, gone };
}

/** MP_REACH and MP_UNREACH come first, where they are the sooner found (RFC 7606 §5.1). Sizes are the caller's matter. */
export function updateBody(update: Update, isFourByteAs: boolean): Uint8Array {
  const into = newWritten();
  put16(into, 0);
  for (const prefix of update.withdrawn) putPrefix(into, prefix);
  set16(into, 0, into.length - 2);
  const at = into.length;
  put16(into, 0);
  const { reach, unreach } = update;
  const value = newWritten();
  if (reach !== undefined) {
    putReach(value, reach);
    putAttribute(into, attributeFlag.optional, reachCode, value);
  }
  if (unreach !== undefined) {
    value.length = 0;
    putUnreach(value, unreach);
    putAttribute(into, attributeFlag.optional, unreachCode, value);
  }
  putAttributes(into, update.attributes, isFourByteAs);
  set16(into, at, into.length - at - 2);
  for (const prefix of update.announced) putPrefix(into, prefix);
  return bytesOf(into);
}

/** One value at a time: a hundred thousand routes of as many sets need no room each. */
const value = newWritten();

/** In the order given, which is ascending by code. */
export function putAttributes(into: Written, attributes: readonly Attribute[], isFourByteAs: boolean): void {
  for (const attribute of attributes) {
    value.length = 0;
    putValue(value, attribute, isFourByteAs);
    const flags = attribute.kind === 'unknown' ? attribute.flags : attributeFlags[attribute.kind];
    putAttribute(into, flags, codeOf(attribute), value);
  }
}

function putAttribute(into: Written, flags: number, code: number, value: Written): void {
  const isLong = value.length > 255;
  put8(into, isLong ? flags | attributeFlag.extendedLength : flags & ~attributeFlag.extendedLength);
  put8(into, code);
  if (isLong) put16(into, value.length);
  else put8(into, value.length);
  putBytes(into, bytesOf(value));
}
