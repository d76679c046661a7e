// Community (metallb.io/v1beta1): names for BGP communities (RFC 1997) and large communities (RFC 8092).
import * as z from 'zod/mini';
import type { Community } from '../model/bgp.ts';
import { type FieldProblem, fieldError, type Parsed } from './field-problem.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

export const communitySpec = z.strictObject({
  communities: z._default(
    z.array(z.strictObject({ name: z.string().check(z.minLength(1)), value: z.string() })),
    [],
  ),
});

const community = manifest(dnsSubdomain, { spec: z.prefault(communitySpec, {}) });

export function parseCommunity(raw: RawObject): Parsed<Community> {
  const { manifest, problems: found } = readBySchema(community, raw);
  if (manifest === undefined) return { object: undefined, problems: found };
  const { metadata, spec } = manifest;
  const errors: FieldProblem[] = [];
  const names = new Set<string>();
  for (const [index, { name, value }] of spec.communities.entries()) {
    const path = ['spec', 'communities', index];
    if (names.has(name)) {
      errors.push(fieldError([...path, 'name'], name, 'This name is given twice: each names one community.'));
    }
    names.add(name);
    if (!isCommunityValue(value)) errors.push(fieldError([...path, 'value'], value, communityRule));
  }
  const object = { name: metadata.name, communities: spec.communities };
  return { object: errors.length > 0 ? undefined : object, problems: [...errors, ...found] };
}

export const communityRule =
  'This must be A:B with two numbers up to 65535, or large:A:B:C with three up to 4294967295, such as 64512:100.';

/** True for the two spellings of a community's value. */
export function isCommunityValue(text: string): boolean {
  const [, large, numbers = ''] = /^(large:)?(\d{1,10}(?::\d{1,10})+)$/.exec(text) ?? [];
  const parts = numbers.split(':').map(Number);
  const [count, limit] = large === undefined ? [2, 65_535] : [3, 4_294_967_295];
  return parts.length === count && parts.every((part) => part <= limit);
}
