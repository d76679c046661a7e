// AS paths (RFC 4271 §4.3, 5.1.2), with 2-byte or 4-byte numbers (RFC 6793).
import { cursorOver, put8, put16, put32, remaining, take8, take16, take32, type Written } from './bytes.ts';
import { asTrans } from './open.ts';

export interface AsSegment {
  /** The confederation kinds are RFC 5065's. */
  readonly kind: 'set' | 'sequence' | 'confederation-sequence' | 'confederation-set';
  /** 1–255 numbers. */
  readonly asns: readonly number[];
}

/** Index 0 is code 1. */
const kinds = ['set', 'sequence', 'confederation-sequence', 'confederation-set'] as const;

/** Undefined where it is malformed: RFC 7606 §7.2. */
export function readAsPath(value: Uint8Array, isFourByte: boolean): AsSegment[] | undefined {
  const from = cursorOver(value);
  const segments: AsSegment[] = [];
  while (remaining(from) > 0) {
    const kind = kinds[(take8(from) ?? 0) - 1];
    const count = take8(from) ?? 0;
    if (kind === undefined || count === 0) return undefined;
    const asns: number[] = [];
    for (let index = 0; index < count; index++) {
      const asn = isFourByte ? take32(from) : take16(from);
      if (asn === undefined) return undefined;
      asns.push(asn);
    }
    segments.push({ kind, asns });
  }
  return segments;
}

/** With 2 bytes, numbers that do not fit are written as AS_TRANS. */
export function putAsPath(into: Written, segments: readonly AsSegment[], isFourByte: boolean): void {
  for (const { kind, asns } of segments) {
    put8(into, kinds.indexOf(kind) + 1);
    put8(into, asns.length);
    for (const asn of asns)
      if (isFourByte) put32(into, asn);
      else put16(into, asn > 0xffff ? asTrans : asn);
  }
}

/** How many numbers the path counts for: a set is one, a confederation's are none (RFC 4271 §9.1.2, RFC 5065 §5.3). */
export function pathLength(segments: readonly AsSegment[]): number {
  let length = 0;
  for (const { kind, asns } of segments) length += kind === 'sequence' ? asns.length : kind === 'set' ? 1 : 0;
  return length;
}

/**
 * The path that a peer of 2-byte numbers has passed on in two attributes: its first numbers, then those of AS4_PATH
 * (RFC 6793 §4.2.3). An AS4_PATH that is longer than the path is not believed.
 */
export function mergedPath(path: readonly AsSegment[], path4: readonly AsSegment[]): readonly AsSegment[] {
  let lead = pathLength(path) - pathLength(path4);
  if (lead < 0) return path;
  const leading: AsSegment[] = [];
  for (const { kind, asns } of path) {
    if (lead === 0) break;
    const kept = kind === 'sequence' ? asns.slice(0, lead) : asns;
    leading.push({ kind, asns: kept });
    lead -= pathLength([{ kind, asns: kept }]);
  }
  return [...leading, ...path4];
}
