// What the webhook judges by: read from the API server after the question came, since what was applied a moment before it
// would be missing in anything older, and its refusal a lie.
import { configurationKinds } from '../../api/cross-object.ts';
import { admissionContext, type KnownObject } from '../../api/webhook/context.ts';
import type { AdmissionContext } from '../../api/webhook/verdict.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { listObjects } from '../../kubernetes/list.ts';
import { type ApiResult, done } from '../../kubernetes/reason.ts';
import type { Kind } from '../../model/world.ts';
import { selectionOf } from '../../sources/kubernetes.ts';
import { readObject } from '../../sources/kubernetes-world.ts';

export type ReadContext = () => Promise<ApiResult<AdmissionContext>>;

/** Who asks waits for at most two of them, and the API server waits for five seconds. */
const readMilliseconds = 2000;

/** Those that a Service may name. */
const serviceKinds: readonly Kind[] = ['IPAddressPool'];
/** Advertisements select nodes by their labels. */
const allKinds: readonly Kind[] = ['Node', ...configurationKinds];

export interface ConfigurationReading {
  readonly forService: ReadContext;
  readonly forConfiguration: ReadContext;
}

/** Whoever asks while a reading is under way shares the next one: there are never more than one of each at once. */
export const configurationReading = (client: ApiClient, namespace: string): ConfigurationReading => ({
  forService: shared(() => read(client, namespace, serviceKinds)),
  forConfiguration: shared(() => read(client, namespace, allKinds)),
});

async function read(
  client: ApiClient,
  namespace: string,
  kinds: readonly Kind[],
): Promise<ApiResult<AdmissionContext>> {
  const objects: KnownObject[] = [];
  const signal = AbortSignal.timeout(readMilliseconds);
  const outcomes = await Promise.all(
    kinds.map((kind) => {
      const selection = selectionOf(kind, namespace);
      const form = kind === 'Node' ? 'metadata' : selection.form;
      return listObjects(
        client,
        { selection: { ...selection, form } },
        (raw) => {
          const { parsed, hasStatus } = readObject(raw);
          const { change, creationTimestamp } = parsed;
          if (change !== undefined) objects.push({ change, creationTimestamp, hasStatus });
        },
        signal,
      );
    }),
  );
  // A kind that is not installed has no objects.
  const failed = outcomes.find((outcome) => !outcome.ok && outcome.reason.kind !== 'not-found');
  return failed !== undefined && !failed.ok ? failed : done(admissionContext(objects, namespace));
}

function shared(read: ReadContext): ReadContext {
  let running: Promise<unknown> = Promise.resolve();
  let next: ReturnType<ReadContext> | undefined;
  return () => {
    next ??= running.then(() => {
      const begun = read();
      next = undefined;
      running = begun;
      return begun;
    });
    return next;
  };
}
