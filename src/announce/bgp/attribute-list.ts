// The attributes of an UPDATE, read one by one, and what RFC 7606 has be done about those that are wrong.
import type { Family } from '../../model/address.ts';
import {
  type Attribute,
  attributeCode,
  attributeFlag,
  attributeFlags,
  attributeKind,
  codeOf,
  type KnownAttribute,
  reachCode,
  unreachCode,
} from './attribute.ts';
import { readValue } from './attribute-value.ts';
import { copyOf, cursorOver, remaining, take, take8, take16 } from './bytes.ts';
import { type Notification, notification } from './notification.ts';
import { errorCode, updateError } from './notification-code.ts';
import { type Reach, readReach, readUnreach, type Unreach } from './reach.ts';

export interface AttributeFault {
  /** 0: the list as such. */
  readonly code: number;
  readonly problem:
    | 'list-overrun'
    | 'flags'
    | 'value'
    | 'missing'
    | 'repeated'
    | 'unrecognized-well-known'
    | 'not-from-this-peer'
    | 'family-not-agreed';
  readonly consequence: 'treat-as-withdraw' | 'attribute-discard';
}

export interface AttributeList {
  readonly attributes: readonly Attribute[];
  readonly reach: Reach | undefined;
  readonly unreach: Unreach | undefined;
  /** Treat-as-withdraw first. */
  readonly faults: readonly AttributeFault[];
}

interface Reading {
  readonly context: ListContext;
  readonly attributes: Map<number, Attribute>;
  readonly seen: Set<number>;
  readonly faults: AttributeFault[];
  reach: Reach | undefined;
  unreach: Unreach | undefined;
}

interface ListContext {
  readonly isFourByteAs: boolean;
  readonly pathIds: ReadonlySet<Family>;
  readonly isInternal: boolean;
}

/** Malformed ones of these are dropped, and the routes kept (RFC 7606 §7.6, §7.7, RFC 6793 §6). */
const discarded: ReadonlySet<KnownAttribute> = new Set([
  'atomic-aggregate',
  'aggregator',
  'as4-path',
  'as4-aggregator',
]);

/** The error ends the session: the routes of RFC 4760 cannot be told (RFC 7606 §3 (g), §5.3). */
export function readAttributes(
  field: Uint8Array,
  context: ListContext,
  hasClassicRoutes: boolean,
): AttributeList | { readonly error: Notification } {
  const reading: Reading = {
    context,
    attributes: new Map(),
    seen: new Set(),
    faults: [],
    reach: undefined,
    unreach: undefined,
  };
  const from = cursorOver(field);
  while (remaining(from) > 0) {
    const flags = take8(from) ?? 0;
    const code = take8(from);
    const length = (flags & attributeFlag.extendedLength) === 0 ? take8(from) : take16(from);
    const value = take(from, length);
    if (code === undefined || value === undefined) {
      // The rest of the list is lost, and MP_REACH may be in it; the classic routes behind it are not (§4).
      reading.faults.push({ code: code ?? 0, problem: 'list-overrun', consequence: 'treat-as-withdraw' });
      break;
    }
    const error = readOne(reading, code, flags & ~attributeFlag.extendedLength, value);
    if (error !== undefined) return { error };
  }
  requireMandatory(reading, hasClassicRoutes);
  const faults = reading.faults.toSorted((a, b) => b.consequence.localeCompare(a.consequence));
  const attributes = [...reading.attributes.values()].sort((a, b) => codeOf(a) - codeOf(b));
  return { attributes, reach: reading.reach, unreach: reading.unreach, faults };
}

function readOne(reading: Reading, code: number, flags: number, value: Uint8Array): Notification | undefined {
  const isReach = code === reachCode || code === unreachCode;
  if (reading.seen.has(code)) {
    if (isReach) return notification(errorCode.update, updateError.malformedAttributes);
    reading.faults.push({ code, problem: 'repeated', consequence: 'attribute-discard' });
    return undefined;
  }
  reading.seen.add(code);
  if (isReach) return readReachability(reading, code, flags, value);
  const kind = attributeKind(code);
  if (kind === undefined) takeUnknown(reading, code, flags, value);
  else takeKnown(reading, kind, code, flags, value);
  return undefined;
}

function readReachability(
  reading: Reading,
  code: number,
  flags: number,
  value: Uint8Array,
): Notification | undefined {
  if ((flags & attributeFlag.optional) === 0 || (flags & attributeFlag.transitive) !== 0)
    reading.faults.push({ code, problem: 'flags', consequence: 'treat-as-withdraw' });
  const { pathIds } = reading.context;
  const reach = code === reachCode ? readReach(value, pathIds) : undefined;
  const unreach = code === unreachCode ? readUnreach(value, pathIds) : undefined;
  if (reach === undefined && unreach === undefined)
    return notification(errorCode.update, updateError.optionalAttribute);
  if (reach === 'other-family' || unreach === 'other-family')
    reading.faults.push({ code, problem: 'family-not-agreed', consequence: 'attribute-discard' });
  else {
    reading.reach ??= reach;
    reading.unreach ??= unreach;
  }
  return undefined;
}

function takeUnknown(reading: Reading, code: number, flags: number, value: Uint8Array): void {
  // Well-known ones we would know; that a new one was made is for the routes to bear, not the session (RFC 7606 §3 (c)).
  if ((flags & attributeFlag.optional) === 0)
    reading.faults.push({ code, problem: 'unrecognized-well-known', consequence: 'treat-as-withdraw' });
  reading.attributes.set(code, { kind: 'unknown', code, flags, value: copyOf(value) });
}

function takeKnown(
  { context, attributes, faults }: Reading,
  kind: KnownAttribute,
  code: number,
  flags: number,
  value: Uint8Array,
): void {
  const isForeign =
    (kind === 'local-preference' && !context.isInternal) ||
    ((kind === 'as4-path' || kind === 'as4-aggregator') && context.isFourByteAs);
  if (isForeign) {
    faults.push({ code, problem: 'not-from-this-peer', consequence: 'attribute-discard' });
    return;
  }
  if ((flags & (attributeFlag.optional | attributeFlag.transitive)) !== attributeFlags[kind]) {
    faults.push({ code, problem: 'flags', consequence: 'treat-as-withdraw' });
    return;
  }
  const attribute = readValue(kind, value, context.isFourByteAs);
  if (attribute !== undefined) attributes.set(code, attribute);
  else {
    const consequence = discarded.has(kind) ? 'attribute-discard' : 'treat-as-withdraw';
    faults.push({ code, problem: 'value', consequence });
  }
}

/** RFC 4271 §5.1, RFC 7606 §3 (d). Next hops of RFC 4760 are in MP_REACH itself. */
function requireMandatory({ attributes, seen, faults, reach, context }: Reading, hasClassic: boolean): void {
  const hasReach = reach !== undefined && reach.prefixes.length > 0;
  if (!hasClassic && !hasReach) return;
  const needed: number[] = [attributeCode.origin, attributeCode['as-path']];
  if (hasClassic) needed.push(attributeCode['next-hop']);
  if (context.isInternal) needed.push(attributeCode['local-preference']);
  for (const code of needed)
    if (!attributes.has(code) && !seen.has(code))
      faults.push({ code, problem: 'missing', consequence: 'treat-as-withdraw' });
}
