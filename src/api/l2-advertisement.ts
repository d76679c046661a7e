// L2Advertisement (metallb.io/v1beta1): which addresses are answered for on layer 2, and where.
import * as z from 'zod/mini';
import type { L2Advertisement } from '../model/advertisement.ts';
import { fieldError, type Parsed } from './field-problem.ts';
import { unknownAnnotations } from './gantry-annotations.ts';
import { labelSelector, labelSelectors } from './label-selector.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

/** As the kernel has it (dev_valid_name): at most 15 bytes, no white space, "/" or ":". */
export const interfaceName = z
  .string()
  .check(
    z.regex(
      /^(?!\.{1,2}$)[^\s/:]{1,15}$/,
      'An interface name has 1 to 15 characters, without white space, "/" or ":", such as eth0.',
    ),
  );

export const l2AdvertisementSpec = z.strictObject({
  ipAddressPools: z._default(z.array(dnsSubdomain), []),
  ipAddressPoolSelectors: labelSelectors,
  nodeSelectors: labelSelectors,
  interfaces: z._default(z.array(interfaceName), []),
  serviceSelectors: labelSelectors,
  preferredNodeSelectors: z._default(
    z.array(z.strictObject({ weight: z.int().check(z.gte(1), z.lte(100)), preference: labelSelector })),
    [],
  ),
});

/** Without a spec, as with an empty one, all pools are advertised everywhere. */
const l2Advertisement = manifest(dnsSubdomain, { spec: z.prefault(l2AdvertisementSpec, {}) });

/** `"true"`: each neighbour is answered by one of several nodes, instead of all by one. */
const spreadAnnotation = 'gantry.dev/spread';

export function parseL2Advertisement(raw: RawObject): Parsed<L2Advertisement> {
  const { manifest, problems: found } = readBySchema(l2Advertisement, raw);
  if (manifest === undefined) return { object: undefined, problems: found };
  const { metadata, spec } = manifest;
  const problems = [...found, ...unknownAnnotations(metadata.annotations, [spreadAnnotation])];
  const spread = metadata.annotations[spreadAnnotation] ?? 'false';
  if (spread !== 'true' && spread !== 'false') {
    const rule = 'This must be "true", to spread addresses over nodes, or "false".';
    problems.push(fieldError(['metadata', 'annotations', spreadAnnotation], spread, rule));
    return { object: undefined, problems };
  }
  return {
    object: {
      name: metadata.name,
      labels: metadata.labels,
      pools: spec.ipAddressPools,
      poolSelectors: spec.ipAddressPoolSelectors,
      nodeSelectors: spec.nodeSelectors,
      interfaces: spec.interfaces,
      serviceSelectors: spec.serviceSelectors,
      preferredNodeSelectors: spec.preferredNodeSelectors,
      spread: spread === 'true',
    },
    problems,
  };
}
