// Namespace (v1): its labels, which pools may select by.
import * as z from 'zod/mini';
import type { Namespace } from '../model/node.ts';
import type { Parsed } from './field-problem.ts';
import { dnsLabel, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

const namespace = manifest(dnsLabel, {
  spec: z.optional(z.strictObject({ finalizers: z.optional(z.unknown()) })),
});

export function parseNamespace(raw: RawObject): Parsed<Namespace> {
  const { manifest, problems } = readBySchema(namespace, raw);
  if (manifest === undefined) return { object: undefined, problems };
  return { object: { name: manifest.metadata.name, labels: manifest.metadata.labels }, problems };
}
