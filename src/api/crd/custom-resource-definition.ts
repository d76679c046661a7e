// CustomResourceDefinitions (apiextensions.k8s.io/v1) of the kinds that are served. They need Kubernetes 1.31, for the
// address functions of CEL.
import type { PrinterColumn, ServedGroup, ServedKind, ServedVersion } from './served-kinds.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: ServedGroup;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: 'Namespaced';
    readonly versions: readonly DefinedVersion[];
  };
}

export interface DefinedVersion {
  readonly name: string;
  readonly served: true;
  readonly storage: boolean;
  readonly deprecated?: true;
  readonly deprecationWarning?: string;
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
  readonly subresources: { readonly status: Readonly<Record<string, never>> };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
}

/**
 * How versions are converted is left out: the API server then does nothing (`None`), which loses nothing, since every
 * version has every field; and what else there is, our own or MetalLB's webhook, does not stand in the way of applying.
 */
export function customResourceDefinition(served: ServedKind): CustomResourceDefinition {
  const { group, kind, plural, shortName, versions } = served;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'app.kubernetes.io/part-of': 'gantry' } },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: group === 'metallb.io' ? ['gantry', 'metallb'] : ['gantry'],
      },
      scope: 'Namespaced',
      versions: versions.map((version, index) =>
        definedVersion(served.description, version, index === versions.length - 1),
      ),
    },
  };
}

function definedVersion(description: string, version: ServedVersion, storage: boolean): DefinedVersion {
  const { name, deprecation, columns } = version;
  return {
    name,
    served: true,
    storage,
    ...(deprecation === undefined ? {} : { deprecated: true, deprecationWarning: deprecation }),
    schema: { openAPIV3Schema: objectSchema(description, version) },
    subresources: { status: {} },
    ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns }),
  };
}

/** The whole object; what all objects have is described by the API server itself. */
function objectSchema(description: string, { spec, needsSpec, status }: ServedVersion): StructuralSchema {
  return {
    type: 'object',
    description,
    ...(needsSpec ? { required: ['spec'] } : {}),
    properties: {
      apiVersion: { type: 'string', description: 'The group and the version of the object.' },
      kind: { type: 'string', description: 'The kind of the object.' },
      metadata: { type: 'object' },
      spec:
        spec === undefined
          ? { type: 'object', description: 'Nothing: the kind only reports.' }
          : structuralSchema(spec),
      status:
        status === undefined
          ? { type: 'object', description: 'Nothing yet: see ConfigurationState.' }
          : structuralSchema(status),
    },
  };
}
