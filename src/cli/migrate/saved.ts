// MetalLB's objects as a file that can be applied again, whatever becomes of their definitions.
import { stringify } from 'yaml';
import type { ApiObject } from '../../kubernetes/api-object.ts';
import { configuringKinds } from './metallb.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** What a person has written, without what the API server has added and the status. */
export function cleaned({ apiVersion, kind, metadata, spec }: ApiObject): Record<string, unknown> {
  const { name, namespace, labels } = metadata;
  const { [lastApplied]: _, ...annotations } = metadata.annotations ?? {};
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      ...(labels && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    ...(spec !== undefined && { spec }),
  };
}

/** YAML documents of the objects that configure, in the order in which they can be applied. */
export function savedText(objects: readonly ApiObject[]): string {
  const saved = configuringKinds.flatMap((kind) =>
    objects.filter((object) => object.kind === kind && object.apiVersion.startsWith('metallb.io/')),
  );
  return saved.map((object) => `---\n${stringify(cleaned(object), { lineWidth: 0 })}`).join('');
}
