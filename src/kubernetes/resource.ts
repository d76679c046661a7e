// Kinds of objects as an API server serves them, and the paths under which it does.

export interface Resource {
  /** `v1` for the core group, else `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** As in the path, such as `endpointslices`. */
  readonly plural: string;
  readonly isNamespaced: boolean;
}

/** One object's name and, where its kind is namespaced, its namespace. */
export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

const kind = (apiVersion: string, kind: string, plural: string, isNamespaced = true): Resource => ({
  apiVersion,
  kind,
  plural,
  isNamespaced,
});

/** The kinds of Kubernetes itself that Gantry reads or writes; those with CRDs are described where they are read. */
export const services = kind('v1', 'Service', 'services');
export const nodes = kind('v1', 'Node', 'nodes', false);
export const namespaces = kind('v1', 'Namespace', 'namespaces', false);
export const pods = kind('v1', 'Pod', 'pods');
export const secrets = kind('v1', 'Secret', 'secrets');
export const configMaps = kind('v1', 'ConfigMap', 'configmaps');
export const events = kind('v1', 'Event', 'events');
export const endpointSlices = kind('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices');
export const customResourceDefinitions = kind(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
);
export const validatingWebhookConfigurations = kind(
  'admissionregistration.k8s.io/v1',
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
  false,
);
export const leases = kind('coordination.k8s.io/v1', 'Lease', 'leases');

/** Of all its objects, or those in one namespace. */
export function collectionPath({ apiVersion, plural, isNamespaced }: Resource, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  if (!isNamespaced || namespace === undefined) return `${root}/${plural}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

/** Of one object, or of a part of it such as `status`. */
export function objectPath(
  resource: Resource,
  { namespace, name }: ObjectName,
  subresource?: string,
): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
