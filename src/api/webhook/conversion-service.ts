// Whom the API server asks to convert objects of a kind, by a CustomResourceDefinition that is in force.
import { isRecord } from '../record.ts';

export interface ConversionService {
  readonly namespace: string;
  readonly name: string;
}

/** Undefined where nobody is asked, or no Service. */
export function conversionServiceOf({
  spec,
}: Readonly<Record<string, unknown>>): ConversionService | undefined {
  let value: unknown = isRecord(spec) ? spec['conversion'] : undefined;
  if (!isRecord(value) || value['strategy'] !== 'Webhook') return undefined;
  for (const step of ['webhook', 'clientConfig', 'service'])
    value = isRecord(value) ? value[step] : undefined;
  if (!isRecord(value)) return undefined;
  return { namespace: String(value['namespace']), name: String(value['name']) };
}

/**
 * Nobody is asked, as a merge patch (RFC 7396). Every version of BGPPeer has all fields here, so nobody need convert; a
 * webhook that is away would have the API server refuse to read BGPPeers at all.
 */
export const noConversion = { spec: { conversion: { strategy: 'None', webhook: null } } } as const;
