// A Kubernetes API as a source of objects: every kind is listed and watched, and what they tell comes in one stream.
import { configurationKinds } from '../api/cross-object.ts';
import { kinds } from '../api/kinds.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import {
  type CollectionBatch,
  type CollectionNotice,
  watchCollection,
} from '../kubernetes/watch-collection.ts';
import type { Kind } from '../model/world.ts';
import { KubernetesWorld, type ReadObject, readObject } from './kubernetes-world.ts';
import type { Source, SourceListener } from './source.ts';

export interface KubernetesSourceOptions {
  readonly client: ApiClient;
  /** Only objects in it configure Gantry: `metallb-system` for who comes from MetalLB. */
  readonly configurationNamespace: string;
  /** How each kind's watch goes, for logs and metrics. */
  readonly tell?: (kind: Kind, notice: CollectionNotice) => void;
}

const watched: readonly Kind[] = ['Service', 'EndpointSlice', 'Node', 'Namespace', ...configurationKinds];

/**
 * Resolves its start once every kind is whole, however long the API is away. Then that stays in force which was read,
 * until the API tells otherwise. The last accepted version of an object that broke is remembered by this process only:
 * the API server's schema and the webhook stand before it.
 */
export function kubernetesSource(options: KubernetesSourceOptions): Source {
  const { client, tell = () => {} } = options;
  const stop = new AbortController();
  let working: Promise<unknown> = Promise.resolve();

  const follow = (listener: SourceListener, whole: () => void): Promise<unknown> => {
    const world = new KubernetesWorld();
    const unread = new Set(watched);
    const take = (kind: Kind, batch: CollectionBatch<ReadObject>): void => {
      if (stop.signal.aborted) return;
      for (const change of batch.changes) {
        if (change.kind === 'removed') world.remove(kind, change.key);
        else world.put(kind, change.key, change.object);
      }
      const becomesWhole = batch.complete && unread.delete(kind) && unread.size === 0;
      if (becomesWhole) world.becomeWhole();
      const changes = world.flush();
      if (changes.length > 0 || becomesWhole) listener.batch({ changes, complete: unread.size === 0 });
      const problems = unread.size === 0 ? world.changedProblems() : undefined;
      if (problems !== undefined) listener.problems(problems);
      if (becomesWhole) whole();
    };
    return Promise.all(
      watched.map((kind) =>
        watchCollection<ReadObject>(
          client,
          {
            selection: selectionOf(kind, options.configurationNamespace),
            trim: readObject,
            batch: (batch) => take(kind, batch),
            tell: (notice) => tell(kind, notice),
            isOptional: isOptional(kind),
          },
          stop.signal,
        ),
      ),
    );
  };

  return {
    async start(listener) {
      const { promise: whole, resolve, reject } = Promise.withResolvers<void>();
      let isWhole = false;
      const becameWhole = (): void => {
        isWhole = true;
        resolve();
      };
      // Aborted before it was whole, there is nobody left to wait for it.
      working = follow(listener, becameWhole).then(
        () => resolve(),
        (error: unknown) => {
          // Watches end only with a defect: who started hears of it, later the runtime does.
          stop.abort();
          if (isWhole) throw error;
          reject(error);
        },
      );
      await whole;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await working;
    },
  };
}

/** Without a definition of pools nothing is decided: it may be gone only while the cluster is being changed over. */
const isOptional = (kind: Kind): boolean => isConfiguring(kind) && kind !== 'IPAddressPool';

const isConfiguring = (kind: Kind): boolean => (configurationKinds as readonly Kind[]).includes(kind);

function selectionOf(kind: Kind, configurationNamespace: string) {
  const { apiVersions, plural, namespaced } = kinds[kind];
  // The last is the newest.
  const apiVersion = apiVersions.at(-1) ?? '';
  return {
    resource: { apiVersion, kind, plural, isNamespaced: namespaced },
    namespace: isConfiguring(kind) ? configurationNamespace : undefined,
    form: kind === 'Namespace' ? ('metadata' as const) : ('whole' as const),
  };
}
