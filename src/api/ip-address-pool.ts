// IPAddressPool (metallb.io/v1beta1): addresses to give, and who may have them.
import * as z from 'zod/mini';
import type { Pool, ServiceAllocation } from '../model/pool.ts';
import type { Parsed } from './field-problem.ts';
import { labelSelectors } from './label-selector.ts';
import { dnsLabel, dnsSubdomain, manifest } from './metadata.ts';
import { parsePoolAddresses } from './pool-addresses.ts';
import { described } from './published.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

const serviceAllocation = z.strictObject({
  priority: described(
    z._default(z.int().check(z.gte(0), z.lte(2_147_483_647)), 0),
    'Which pool a Service that may use several is served from: the lowest number first. 0 or none comes last.',
  ),
  namespaces: described(
    z._default(z.array(dnsLabel), []),
    'Names of namespaces whose Services may use the pool.',
  ),
  namespaceSelectors: described(
    labelSelectors,
    'Labels of namespaces whose Services may use the pool: one selector that matches is enough. It adds to namespaces.',
  ),
  serviceSelectors: described(
    labelSelectors,
    'Labels of Services that may use the pool: one selector that matches is enough. Where namespaces are given too, both must hold.',
  ),
}) satisfies z.ZodMiniType<ServiceAllocation>;

export const ipAddressPoolSpec = described(
  z.strictObject({
    addresses: described(
      z.array(z.string()).check(z.minLength(1)),
      'The addresses, each entry a block (192.0.2.0/24) or a range (192.0.2.10-192.0.2.20), IPv4 and IPv6 in any order. No address may be in two pools.',
    ),
    autoAssign: described(
      z._default(z.boolean(), true),
      'Whether any Service may be given an address of this pool. If false, only Services that ask for the pool or for one of its addresses are.',
    ),
    avoidBuggyIPs: described(
      z._default(z.boolean(), false),
      'Never give IPv4 addresses that end in .0 or .255, which some old equipment drops.',
    ),
    serviceAllocation: described(
      z.optional(serviceAllocation),
      'Who may use the pool, and which pool comes first. Without it every Service may.',
    ),
  }),
  'The addresses to give to Services, and to which.',
);

const ipAddressPool = manifest(dnsSubdomain, { spec: ipAddressPoolSpec });

export function parseIpAddressPool(raw: RawObject): Parsed<Pool> {
  const { manifest, problems } = readBySchema(ipAddressPool, raw);
  if (manifest === undefined) return { object: undefined, problems };
  const { metadata, spec } = manifest;
  const addresses = parsePoolAddresses(['spec', 'addresses'], spec.addresses);
  const all = [...problems, ...addresses.problems];
  if (addresses.object === undefined) return { object: undefined, problems: all };
  return {
    object: {
      name: metadata.name,
      labels: metadata.labels,
      ranges: addresses.object,
      autoAssign: spec.autoAssign,
      avoidBuggyIPs: spec.avoidBuggyIPs,
      serviceAllocation: spec.serviceAllocation,
    },
    problems: all,
  };
}
