// L2Advertisement (metallb.io/v1beta1): which addresses are answered for on layer 2, and where.
import * as z from 'zod/mini';
import type { L2Advertisement } from '../model/advertisement.ts';
import { fieldError, type Parsed } from './field-problem.ts';
import { unknownAnnotations } from './gantry-annotations.ts';
import { interfaceName } from './interface-name.ts';
import { labelSelector, labelSelectors } from './label-selector.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import { described } from './published.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

const preferredNode = z.strictObject({
  weight: described(
    z.int().check(z.gte(1), z.lte(100)),
    'How much a node that matches is preferred, 1 to 100.',
  ),
  preference: described(labelSelector, 'Labels of the nodes preferred.'),
});

export const l2AdvertisementSpec = described(
  z.strictObject({
    ipAddressPools: described(
      z._default(z.array(dnsSubdomain), []),
      'Names of the pools whose addresses are answered for. With no name and no selector: all pools.',
    ),
    ipAddressPoolSelectors: described(
      labelSelectors,
      'Labels of further pools: one selector that matches is enough.',
    ),
    nodeSelectors: described(
      labelSelectors,
      'Labels of the nodes that may answer: one selector that matches is enough. None: every node may.',
    ),
    interfaces: described(
      z._default(z.array(interfaceName), []),
      'Names of the network interfaces on which to answer. None: every usable one.',
    ),
    serviceSelectors: described(
      labelSelectors,
      'Labels of the Services whose addresses are answered for: one selector that matches is enough. None: all.',
    ),
    preferredNodeSelectors: described(
      z._default(z.array(preferredNode), []),
      'Which of the nodes should answer rather than others. The weights of all entries that match a node add up.',
    ),
  }),
  'Which addresses are answered for with ARP and NDP, by which nodes, on which interfaces.',
);

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
