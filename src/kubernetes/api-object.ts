// An object as an API server sends it: JSON whose metadata was looked at, and nothing else.

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  /** Absent in objects of kinds without namespaces. */
  readonly namespace?: string;
  readonly resourceVersion: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** `namespace/name`, or the name alone. */
export const keyOf = ({ metadata: { namespace, name } }: ApiObject): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/**
 * Undefined for what has no name or version. Items of lists do not say which kind they are, nor does metadata that comes
 * alone: then it is what was listed. What a dry run creates has no version: where that is allowed, it is empty.
 */
export function asApiObject(
  value: unknown,
  listed: { readonly apiVersion: string; readonly kind: string },
  mayLackVersion = false,
): ApiObject | undefined {
  if (!isRecord(value)) return undefined;
  const { metadata } = value;
  if (!isRecord(metadata)) return undefined;
  const { name, namespace, resourceVersion = mayLackVersion ? '' : undefined } = metadata;
  if (typeof name !== 'string' || name === '' || typeof resourceVersion !== 'string') return undefined;
  if (namespace !== undefined && typeof namespace !== 'string') return undefined;
  const isPartial = value['kind'] === 'PartialObjectMetadata';
  const { apiVersion = listed.apiVersion, kind = listed.kind } = isPartial ? listed : value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  // Labels and annotations are as the server's own schema has them.
  const versioned = metadata['resourceVersion'] === undefined ? { ...metadata, resourceVersion } : metadata;
  return { ...value, apiVersion, kind, metadata: versioned } as unknown as ApiObject;
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The text's value; undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * True if the version is older than the other (KEP-5504: decimal numbers, compared as such); false where either is
 * something else.
 */
export function isOlderVersion(version: string, other: string): boolean {
  if (!/^[1-9]\d*$/.test(version) || !/^[1-9]\d*$/.test(other)) return false;
  return version.length === other.length ? version < other : version.length < other.length;
}
