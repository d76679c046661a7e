// The entries of an IPAddressPool's `addresses`: CIDR blocks and ranges that can serve as virtual addresses.
import {
  type AddressRange,
  cidrRange,
  formatCidr,
  formatRange,
  parseAddress,
  parseCidr,
} from '../model/address.ts';
import {
  type FieldPath,
  type FieldProblem,
  fieldError,
  fieldWarning,
  hasError,
  type Parsed,
} from './field-problem.ts';
import { specialBlocks } from './special-addresses.ts';

/** Reads all entries, in order; each problem names its entry. `path` is the path of the list. */
export function parsePoolAddresses(
  path: FieldPath,
  entries: readonly string[],
): Parsed<readonly AddressRange[]> {
  const ranges: AddressRange[] = [];
  const problems: FieldProblem[] = [];
  for (const [index, text] of entries.entries()) {
    const here = [...path, index];
    const entry = parseEntry(text);
    if (typeof entry === 'string') {
      problems.push(fieldError(here, text, entry));
      continue;
    }
    const { range } = entry;
    const other = ranges.find((earlier) => rangesOverlap(earlier, range));
    if (other !== undefined) {
      problems.push(
        fieldError(
          here,
          text,
          `This overlaps ${formatRange(other)} of the same pool: write each address once.`,
        ),
      );
    }
    if (entry.warning !== undefined) problems.push(fieldWarning(here, text, entry.warning));
    ranges.push(range);
  }
  return { object: hasError(problems) ? undefined : ranges, problems };
}

export const rangesOverlap = (a: AddressRange, b: AddressRange): boolean =>
  a.first.family === b.first.family && a.first.value <= b.last.value && b.first.value <= a.last.value;

interface Entry {
  readonly range: AddressRange;
  readonly warning: string | undefined;
}

/** The entry, or the rule that it breaks. */
function parseEntry(text: string): Entry | string {
  const entry = text.includes('-') ? parseRange(text) : parseBlock(text);
  if (typeof entry === 'string') return entry;
  const { first, last } = entry.range;
  const whole = first.value === 0n && last.value === (first.family === 'IPv4' ? 2n ** 32n : 2n ** 128n) - 1n;
  if (whole) return 'This is every address there is: name the block that is yours.';
  const special = specialBlocks.find(({ cidr }) => rangesOverlap(cidrRange(cidr), entry.range));
  if (special !== undefined) {
    return `This contains ${special.name} addresses (${formatCidr(special.cidr)}), which no Service can have: leave them out.`;
  }
  return entry;
}

function parseRange(text: string): Entry | string {
  const [firstText = '', lastText = '', ...rest] = text.split('-').map((part) => part.trim());
  const first = parseAddress(firstText);
  const last = parseAddress(lastText);
  if (rest.length > 0 || first === undefined || last === undefined) {
    return 'This must be a CIDR block or FIRST-LAST, such as 192.0.2.0/24 or 192.0.2.10-192.0.2.20.';
  }
  if (first.family !== last.family) return 'Both ends of a range must be of one family: write two ranges.';
  if (first.value > last.value) return 'This range is reversed: write the lower address first.';
  return { range: { first, last }, warning: undefined };
}

function parseBlock(text: string): Entry | string {
  const single = parseAddress(text.trim());
  if (single !== undefined) {
    return `A single address is written as a block: ${text.trim()}/${single.family === 'IPv4' ? 32 : 128}.`;
  }
  const cidr = parseCidr(text);
  if (cidr === undefined) {
    return 'This must be a CIDR block or FIRST-LAST, such as 192.0.2.0/24 or 192.0.2.10-192.0.2.20.';
  }
  const written = parseAddress(text.trim().replace(/\/.*$/, ''));
  const hostBits = written !== undefined && written.value !== cidr.address.value;
  const warning = hostBits
    ? `Host bits are set; the block is taken as ${formatCidr(cidr)}: write it so.`
    : undefined;
  return { range: cidrRange(cidr), warning };
}
