// Node (v1): its labels, addresses and pod networks, and whether its network is up.
import * as z from 'zod/mini';
import { type Address, type Cidr, parseAddress, parseCidr } from '../model/address.ts';
import type { Node } from '../model/node.ts';
import { type FieldProblem, fieldError, hasError, type Parsed } from './field-problem.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

/** Status has much that is not ours to check: only what is read is described. */
const nodeStatus = z.looseObject({
  addresses: z._default(z.array(z.looseObject({ type: z.string(), address: z.string() })), []),
  conditions: z._default(z.array(z.looseObject({ type: z.string(), status: z.string() })), []),
});

const node = manifest(dnsSubdomain, {
  spec: z.optional(
    z.strictObject({
      podCIDR: z.optional(z.string()),
      podCIDRs: z.optional(z.array(z.string())),
      providerID: z.optional(z.unknown()),
      taints: z.optional(z.unknown()),
      unschedulable: z.optional(z.unknown()),
      configSource: z.optional(z.unknown()),
      externalID: z.optional(z.unknown()),
    }),
  ),
  status: z.optional(nodeStatus),
});

export function parseNode(raw: RawObject): Parsed<Node> {
  const { manifest, problems: found } = readBySchema(node, raw);
  if (manifest === undefined) return { object: undefined, problems: found };
  const problems: FieldProblem[] = [...found];
  const { metadata, spec, status } = manifest;

  const addresses: Address[] = [];
  for (const [index, { type, address: text }] of (status?.addresses ?? []).entries()) {
    if (type !== 'InternalIP') continue;
    const address = parseAddress(text);
    if (address === undefined) {
      const rule = 'An InternalIP must be an IP address: correct it.';
      problems.push(fieldError(['status', 'addresses', index, 'address'], text, rule));
    } else if (!addresses.some(({ family }) => family === address.family)) addresses.push(address);
  }

  const podCidrs: Cidr[] = [];
  for (const [index, text] of (
    spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR])
  ).entries()) {
    const cidr = parseCidr(text);
    const path = spec?.podCIDRs === undefined ? ['spec', 'podCIDR'] : ['spec', 'podCIDRs', index];
    if (cidr === undefined) problems.push(fieldError(path, text, 'This must be a CIDR block: correct it.'));
    else podCidrs.push(cidr);
  }

  if (hasError(problems)) return { object: undefined, problems };
  const networkUnavailable = (status?.conditions ?? []).some(
    (condition) => condition.type === 'NetworkUnavailable' && condition.status === 'True',
  );
  return {
    object: {
      name: metadata.name,
      labels: metadata.labels,
      addresses,
      podCidrs,
      networkUnavailable,
      isMember: true, // unless the source knows better
    },
    problems,
  };
}
