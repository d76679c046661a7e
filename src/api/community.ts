// Community (metallb.io/v1beta1): names for BGP communities (RFC 1997) and large communities (RFC 8092).
import * as z from 'zod/mini';
import type { Community } from '../model/bgp.ts';
import { distinctObjects } from './distinct.ts';
import type { Parsed } from './field-problem.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import { described } from './published.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

/** Numbers are compared by the parser: the API server looks at the shape. */
const valueShape = '\\d{1,10}:\\d{1,10}|large:\\d{1,10}:\\d{1,10}:\\d{1,10}';

const communityRule =
  'This must be A:B with two numbers up to 65535, or large:A:B:C with three up to 4294967295, such as 64512:100.';

const communityValue = z.string().check(z.refine(isCommunityValue, communityRule));

/** A value, or a name that a Community object may define. */
export const communityName = described(
  z.string().check(
    z.minLength(1),
    z.refine((text) => !text.includes(':') || isCommunityValue(text), communityRule),
  ),
  'The value of a community, or the name of one.',
  { pattern: `^(?:[^:]+|${valueShape})$` },
);

const entry = z.strictObject({
  name: described(z.string().check(z.minLength(1)), 'What BGPAdvertisements call the community.'),
  value: described(
    communityValue,
    'The community: A:B with two numbers up to 65535 (RFC 1997), or large:A:B:C with three up to 4294967295 (RFC 8092).',
    { pattern: `^(?:${valueShape})$` },
  ),
});

export const communitySpec = described(
  z.strictObject({
    communities: described(
      z._default(distinctObjects(entry, 'name', 'This name is given twice: each names one community.'), []),
      'The names and what they stand for. A name may be given once, over all Community objects.',
    ),
  }),
  'Names for BGP communities.',
);

const community = manifest(dnsSubdomain, { spec: z.prefault(communitySpec, {}) });

export function parseCommunity(raw: RawObject): Parsed<Community> {
  const { manifest, problems } = readBySchema(community, raw);
  if (manifest === undefined) return { object: undefined, problems };
  return { object: { name: manifest.metadata.name, communities: manifest.spec.communities }, problems };
}

/** True for the two spellings of a community's value. */
function isCommunityValue(text: string): boolean {
  const [, large, numbers = ''] = /^(large:)?(\d{1,10}(?::\d{1,10})+)$/.exec(text) ?? [];
  const parts = numbers.split(':').map(Number);
  const [count, limit] = large === undefined ? [2, 65_535] : [3, 4_294_967_295];
  return parts.length === count && parts.every((part) => part <= limit);
}
