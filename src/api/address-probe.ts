// AddressProbe (gantry.dev/v1alpha1): what one node has found out about the free addresses of pools.
import * as z from 'zod/mini';
import { formatAddress, parseAddress } from '../model/address.ts';
import type { AddressProbe } from '../model/address-probe.ts';
import type { StatusObject } from '../model/status.ts';
import type { Parsed } from './field-problem.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import { described } from './published.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

export const addressProbeSchema = described(
  z.object({
    node: described(z.string(), 'The name of the node.'),
    pools: described(z.array(z.string()), 'The IPAddressPools of which the node probes free addresses.'),
    inUse: described(
      z.array(
        z.object({
          address: described(z.string(), 'An address of a pool that is not given to any Service.'),
          mac: described(z.string(), 'Who answers for it.'),
          interface: described(z.string(), 'The interface of the node on which it was heard.'),
          since: described(z.string(), 'When it was first heard.'),
        }),
      ),
      'Free addresses that others use: they are given to no Service.',
    ),
    clear: described(
      z.array(z.string()),
      'Free addresses that nobody answers for; only of pools that wait for the probe.',
    ),
  }),
  'What the node has found out about free addresses.',
);

export const addressProbeKind = 'AddressProbe';

export const renderAddressProbe = ({ node, pools, inUse, clear }: AddressProbe): StatusObject => ({
  apiVersion: 'gantry.dev/v1alpha1',
  kind: addressProbeKind,
  metadata: { name: node },
  status: {
    node,
    pools,
    inUse: inUse.map((stranger) => ({ ...stranger, address: formatAddress(stranger.address) })),
    clear: clear.map(formatAddress),
  },
});

const addressProbe = manifest(dnsSubdomain, { status: z.optional(addressProbeSchema) });

/** Addresses that are none are passed over: the rest still counts. */
export function parseAddressProbe(raw: RawObject): Parsed<AddressProbe> {
  const { manifest, problems } = readBySchema(addressProbe, raw);
  if (manifest === undefined) return { object: undefined, problems };
  // An agent makes the object first, and gives it its status a moment later.
  if (manifest.status === undefined) return { object: undefined, problems };
  const { node, pools, inUse, clear } = manifest.status;
  const object = {
    node,
    pools,
    inUse: inUse.flatMap((stranger) => {
      const found = parseAddress(stranger.address);
      return found === undefined ? [] : [{ ...stranger, address: found }];
    }),
    clear: clear.flatMap((text) => parseAddress(text) ?? []),
  };
  return { object, problems };
}
