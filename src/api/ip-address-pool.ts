// IPAddressPool (metallb.io/v1beta1): addresses to give, and who may have them.
import * as z from 'zod/mini';
import type { Pool, ServiceAllocation } from '../model/pool.ts';
import type { Parsed } from './field-problem.ts';
import { labelSelectors } from './label-selector.ts';
import { dnsLabel, dnsSubdomain, manifest } from './metadata.ts';
import { parsePoolAddresses } from './pool-addresses.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

const serviceAllocation = z.strictObject({
  priority: z._default(z.int().check(z.gte(0)), 0),
  namespaces: z._default(z.array(dnsLabel), []),
  namespaceSelectors: labelSelectors,
  serviceSelectors: labelSelectors,
}) satisfies z.ZodMiniType<ServiceAllocation>;

export const ipAddressPoolSpec = z.strictObject({
  addresses: z.array(z.string()).check(z.minLength(1)),
  autoAssign: z._default(z.boolean(), true),
  avoidBuggyIPs: z._default(z.boolean(), false),
  serviceAllocation: z.optional(serviceAllocation),
});

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
