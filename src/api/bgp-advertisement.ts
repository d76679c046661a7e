// BGPAdvertisement (metallb.io/v1beta1): which prefixes are advertised, to whom and with which attributes.
import * as z from 'zod/mini';
import type { BgpAdvertisement } from '../model/bgp.ts';
import { communityRule, isCommunityValue } from './community.ts';
import { type FieldProblem, fieldError, type Parsed } from './field-problem.ts';
import { labelSelectors } from './label-selector.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

export const bgpAdvertisementSpec = z.strictObject({
  aggregationLength: z._default(z.int().check(z.gte(1), z.lte(32)), 32),
  aggregationLengthV6: z._default(z.int().check(z.gte(1), z.lte(128)), 128),
  localPref: z.optional(z.int().check(z.gte(0), z.lte(4_294_967_295))),
  communities: z._default(z.array(z.string().check(z.minLength(1))), []),
  ipAddressPools: z._default(z.array(dnsSubdomain), []),
  ipAddressPoolSelectors: labelSelectors,
  nodeSelectors: labelSelectors,
  peers: z._default(z.array(dnsSubdomain), []),
  serviceSelectors: labelSelectors,
});

const bgpAdvertisement = manifest(dnsSubdomain, { spec: z.prefault(bgpAdvertisementSpec, {}) });

export function parseBgpAdvertisement(raw: RawObject): Parsed<BgpAdvertisement> {
  const { manifest, problems: found } = readBySchema(bgpAdvertisement, raw);
  if (manifest === undefined) return { object: undefined, problems: found };
  const { metadata, spec } = manifest;
  const errors = [...communityErrors(spec.communities), ...aggregationErrors(spec)];
  const object = {
    name: metadata.name,
    labels: metadata.labels,
    aggregationLength: spec.aggregationLength,
    aggregationLengthV6: spec.aggregationLengthV6,
    localPref: spec.localPref,
    communities: spec.communities,
    pools: spec.ipAddressPools,
    poolSelectors: spec.ipAddressPoolSelectors,
    nodeSelectors: spec.nodeSelectors,
    peers: spec.peers,
    serviceSelectors: spec.serviceSelectors,
  };
  return { object: errors.length > 0 ? undefined : object, problems: [...errors, ...found] };
}

/** Whether a name is that of a Community is a matter between objects; a value can be judged here. */
function communityErrors(communities: readonly string[]): FieldProblem[] {
  return communities.flatMap((text, index) => {
    const path = ['spec', 'communities', index];
    if (communities.indexOf(text) < index)
      return [fieldError(path, text, 'This community is given twice: remove one.')];
    if (text.includes(':') && !isCommunityValue(text)) return [fieldError(path, text, communityRule)];
    return [];
  });
}

/** One aggregate carries many Services, so it cannot follow the choice of some. */
function aggregationErrors(spec: z.output<typeof bgpAdvertisementSpec>): FieldProblem[] {
  const aggregates = spec.aggregationLength !== 32 || spec.aggregationLengthV6 !== 128;
  if (!aggregates || spec.serviceSelectors.length === 0) return [];
  const rule =
    'Services can be selected only where single addresses are advertised: remove this or the aggregation.';
  return [fieldError(['spec', 'serviceSelectors'], spec.serviceSelectors, rule)];
}
