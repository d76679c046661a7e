// What MetalLB leaves behind that stands in the way once it is gone: webhooks that nobody answers, and finalizers.
import { isRecord } from '../../api/record.ts';
import { conversionServiceOf } from '../../api/webhook/conversion-service.ts';
import type { ApiObject } from '../../kubernetes/api-object.ts';
import { type Finding, finding } from './finding.ts';
import type { MetalLb } from './metallb.ts';

export const leftoverFindings = ({ definitions, webhooks, objects }: MetalLb): Finding[] => [
  ...definitions.flatMap((definition) => {
    const service = foreignConverter(definition);
    return service === undefined
      ? []
      : finding(
          `CustomResourceDefinition ${definition.metadata.name}`,
          'note',
          `has its versions converted by ${service}: without MetalLB they cannot be, until step 3 has been done`,
        );
  }),
  ...webhooks.map((webhook) =>
    finding(
      `ValidatingWebhookConfiguration ${webhook.metadata.name}`,
      'note',
      failsClosed(webhook)
        ? 'has failurePolicy Fail: without MetalLB nothing of metallb.io can be written, until step 3 has been done'
        : 'is asked about each write to metallb.io, and nothing waits for it: the last step removes it',
    ),
  ),
  ...objects.flatMap(({ kind, metadata }) => {
    const { finalizers } = metadata;
    return Array.isArray(finalizers) && finalizers.length > 0
      ? finding(
          `${kind} ${metadata.name}`,
          'note',
          `has finalizers (${finalizers.join(', ')}), so it stays while it is being deleted until their owner takes them away`,
        )
      : [];
  }),
];

/** `namespace/name` of the Service that converts, if one does: Gantry has none for that. */
export function foreignConverter(definition: ApiObject): string | undefined {
  const service = conversionServiceOf(definition);
  return service && `${service.namespace}/${service.name}`;
}

const failsClosed = ({ webhooks }: Readonly<Record<string, unknown>>): boolean =>
  Array.isArray(webhooks) && webhooks.some((one) => isRecord(one) && one['failurePolicy'] !== 'Ignore');
