// The manifests under deploy/ that are made from the schemas: `make manifests` writes them.
import { stringify } from 'yaml';
import {
  defaultNamespace,
  validatingWebhookConfiguration,
  webhookService,
} from '../webhook/configuration.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { servedKinds } from './served-kinds.ts';

const heading = '# Made from src/api/ by `make manifests`: change it there.\n';

/** Each file's text by its path from the root of the repository. */
export function generatedManifests(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const served of servedKinds)
    files.set(`deploy/crds/${served.plural}.yaml`, heading + yamlOf(customResourceDefinition(served)));
  const webhook = [webhookService(defaultNamespace), validatingWebhookConfiguration(defaultNamespace)];
  files.set('deploy/gantry/webhook.yaml', heading + webhook.map(yamlOf).join('---\n'));
  const names = servedKinds.map(({ plural }) => `${plural}.yaml`).sort();
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: names,
  };
  files.set('deploy/crds/kustomization.yaml', heading + yamlOf(kustomization));
  return files;
}

const yamlOf = (object: unknown): string => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
