// Names, labels and the metadata that all kinds share (RFC 1123 labels and subdomains, as Kubernetes narrows them).
import * as z from 'zod/mini';

const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';

/** A DNS label: namespaces, Services, port names. */
export const dnsLabel = z
  .string()
  .check(
    z.maxLength(63),
    z.regex(
      new RegExp(`^${label}$`),
      'This name must be lower-case letters, digits and "-", beginning and ending with a letter or digit: rename it.',
    ),
  );

/** A DNS subdomain: the names of most kinds. */
export const dnsSubdomain = z
  .string()
  .check(
    z.maxLength(253),
    z.regex(
      new RegExp(`^${label}(?:\\.${label})*$`),
      'This name must be lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit: rename it.',
    ),
  );

/** The key of a label: `name` or `dns.subdomain/name`. */
export const labelKey = z
  .string()
  .check(
    z.maxLength(317),
    z.regex(
      new RegExp(
        `^(?:(?=.{1,253}/)${label}(?:\\.${label})*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`,
      ),
      'A label key must be at most 63 letters, digits, "-", "_" and ".", after an optional DNS prefix and "/".',
    ),
  );

export const labelValue = z
  .string()
  .check(
    z.maxLength(63),
    z.regex(
      /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/,
      'A label value must be letters, digits, "-", "_" and ".", beginning and ending with a letter or digit.',
    ),
  );

export const labels = z.record(labelKey, labelValue);

const timestamp = z
  .string()
  .check(
    z.regex(
      /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/,
      'This must be a time as in RFC 3339, such as 2026-01-31T12:00:00Z.',
    ),
  );

/** `metadata` of an object whose name follows `name`. What only an API server needs is known, not read. */
export const metadata = <N extends z.core.SomeType>(name: N) =>
  z.strictObject({
    name,
    namespace: z.optional(dnsLabel),
    labels: z._default(labels, {}),
    annotations: z._default(z.record(z.string(), z.string()), {}),
    creationTimestamp: z.optional(timestamp),
    generateName: z.optional(z.unknown()),
    uid: z.optional(z.unknown()),
    resourceVersion: z.optional(z.unknown()),
    generation: z.optional(z.unknown()),
    selfLink: z.optional(z.unknown()),
    deletionTimestamp: z.optional(z.unknown()),
    deletionGracePeriodSeconds: z.optional(z.unknown()),
    ownerReferences: z.optional(z.unknown()),
    finalizers: z.optional(z.unknown()),
    managedFields: z.optional(z.unknown()),
  });

/** A whole manifest: what all kinds have, and the kind's own parts. A status is known, and read only where a part says. */
export const manifest = <N extends z.core.SomeType, S extends z.core.$ZodShape>(name: N, parts: S) =>
  z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: metadata(name),
    status: z.optional(z.unknown()),
    ...parts,
  });
