// The definition of a kind, asked for when objects of the kind vanish: were they deleted, or did they go with it?
import { kinds } from '../api/kinds.ts';
import { backoffMilliseconds } from '../kubernetes/backoff.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { getObject } from '../kubernetes/objects.ts';
import { customResourceDefinitions } from '../kubernetes/resource.ts';
import type { Kind } from '../model/world.ts';

/** When it was made (RFC 3339), or that it is being removed. `unknown`: we may not ask. */
export type Definition =
  | { readonly kind: 'served'; readonly since: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown' };

/**
 * Asks until it is told, or the signal aborts. A definition that is deleted has its deletionTimestamp before the API
 * server deletes its objects (`finalizer.customresourcecleanup.apiextensions.k8s.io`), so the answer comes in time.
 */
export async function readDefinition(
  client: ApiClient,
  kind: Kind,
  signal: AbortSignal,
): Promise<Definition> {
  const { apiVersions, plural } = kinds[kind];
  const name = `${plural}.${apiVersions[0]?.split('/')[0]}`;
  const { clock, timing } = client;
  for (let failures = 1; !signal.aborted; failures += 1) {
    const found = await getObject(client, customResourceDefinitions, { name }, signal);
    if (found.ok) return definitionOf(found.value.metadata);
    if (found.reason.kind === 'not-found') return { kind: 'gone' };
    if (found.reason.kind === 'forbidden') return { kind: 'unknown' };
    await clock.sleep(backoffMilliseconds(failures, found.reason, timing, clock.random), signal);
  }
  return { kind: 'unknown' };
}

function definitionOf(metadata: Readonly<Record<string, unknown>>): Definition {
  const { creationTimestamp: since, deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined) return { kind: 'gone' };
  return typeof since === 'string' ? { kind: 'served', since } : { kind: 'unknown' };
}

/** An object that is older than the definition went with a former one, which nobody has told of. */
export const wentWith = (definition: Definition, creationTimestamp: string | undefined): boolean =>
  definition.kind === 'gone' ||
  (definition.kind === 'served' &&
    creationTimestamp !== undefined &&
    Date.parse(creationTimestamp) < Date.parse(definition.since));
