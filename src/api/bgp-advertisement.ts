// BGPAdvertisement (metallb.io/v1beta1): which prefixes are advertised, to whom and with which attributes.
import * as z from 'zod/mini';
import type { BgpAdvertisement } from '../model/bgp.ts';
import { communityName } from './community.ts';
import { distinctTexts } from './distinct.ts';
import type { Parsed } from './field-problem.ts';
import { labelSelectors } from './label-selector.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import { described, ruled } from './published.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

const spec = z.strictObject({
  aggregationLength: described(
    z._default(z.int().check(z.gte(1), z.lte(32)), 32),
    'The length of the IPv4 prefixes to advertise: 32 advertises single addresses, less advertises blocks that hold many. A block must lie within its pool.',
  ),
  aggregationLengthV6: described(
    z._default(z.int().check(z.gte(1), z.lte(128)), 128),
    'The same for IPv6, where 128 advertises single addresses.',
  ),
  localPref: described(
    z.optional(z.int().check(z.gte(0), z.lte(4_294_967_295))),
    'LOCAL_PREF of the routes (RFC 4271 section 5.1.5): among internal peers the highest wins. External peers are not told.',
  ),
  communities: described(
    z._default(distinctTexts(communityName, 'This community is given twice: remove one.'), []),
    'Communities to attach to the routes: 64512:100, large:64512:1:2, or names that Community objects define.',
  ),
  ipAddressPools: described(
    z._default(z.array(dnsSubdomain), []),
    'Names of the pools whose addresses are advertised. With no name and no selector: all pools.',
  ),
  ipAddressPoolSelectors: described(
    labelSelectors,
    'Labels of further pools: one selector that matches is enough.',
  ),
  nodeSelectors: described(
    labelSelectors,
    'Labels of the nodes that advertise, each with itself as the next hop: one selector that matches is enough. None: every node.',
  ),
  peers: described(
    z._default(z.array(dnsSubdomain), []),
    'Names of the BGPPeers to advertise to. None: all of them.',
  ),
  serviceSelectors: described(
    labelSelectors,
    'Labels of the Services whose addresses are advertised: one selector that matches is enough. None: all. Only where single addresses are advertised.',
  ),
});

export const bgpAdvertisementSpec = described(
  ruled(spec, [
    {
      field: 'serviceSelectors',
      message:
        'Services can be selected only where single addresses are advertised: remove this or the aggregation.',
      cel: '!has(self.serviceSelectors) || size(self.serviceSelectors) == 0 || (self.aggregationLength == 32 && self.aggregationLengthV6 == 128)',
      // One aggregate carries many Services, so it cannot follow the choice of some.
      holds: ({ serviceSelectors, aggregationLength, aggregationLengthV6 }) =>
        serviceSelectors.length === 0 || (aggregationLength === 32 && aggregationLengthV6 === 128),
    },
  ]),
  'Which prefixes are advertised by BGP, to whom, from which nodes and with which attributes.',
);

const bgpAdvertisement = manifest(dnsSubdomain, { spec: z.prefault(bgpAdvertisementSpec, {}) });

export function parseBgpAdvertisement(raw: RawObject): Parsed<BgpAdvertisement> {
  const { manifest, problems } = readBySchema(bgpAdvertisement, raw);
  if (manifest === undefined) return { object: undefined, problems };
  const { metadata, spec } = manifest;
  return {
    object: {
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
    },
    problems,
  };
}
