// A Kubernetes API as a source: each kind's collection is read and followed for good, and all of them are one stream of
// batches.
import { kinds } from '../api/kinds.ts';
import type { Identity } from '../api/parse-object.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import type { Selection } from '../kubernetes/list.ts';
import { endpointSlices, namespaces, nodes, type Resource, services } from '../kubernetes/resource.ts';
import { type CollectionNotice, watchCollection } from '../kubernetes/watch-collection.ts';
import type { Kind } from '../model/world.ts';
import { KubernetesWorld, type ReadObject, readApiObject } from './kubernetes-world.ts';
import type { Source, SourceListener } from './source.ts';

export interface KubernetesSourceOptions {
  readonly client: ApiClient;
  /** Where Gantry's own kinds count: `metallb-system` in a cluster that comes from MetalLB. */
  readonly namespace: string;
  /** How the collection of a kind goes, for logs and metrics. */
  readonly tell?: (kind: Kind, notice: CollectionNotice) => void;
}

const own = (kind: keyof typeof kinds, version = 'v1beta1'): Resource => ({
  apiVersion: `metallb.io/${version}`,
  kind,
  plural: kinds[kind].plural,
  isNamespaced: true,
});

/** Gantry's own, whose definitions may not be installed yet. */
const configurationResources = [
  own('IPAddressPool'),
  own('L2Advertisement'),
  own('BGPAdvertisement'),
  own('BGPPeer', 'v1beta2'),
  own('BFDProfile'),
  own('Community'),
];

interface Followed {
  readonly kind: Kind;
  readonly selection: Selection;
  readonly isOptional: boolean;
}

function followedKinds(namespace: string): Followed[] {
  const common: readonly Selection[] = [
    { resource: services },
    { resource: endpointSlices },
    { resource: nodes },
    { resource: namespaces, form: 'metadata' },
  ];
  const configuration = configurationResources.map((resource) => ({ resource, namespace }));
  return [...common, ...configuration].map((selection) => ({
    kind: selection.resource.kind as Kind, // as listed above
    selection,
    isOptional: 'namespace' in selection,
  }));
}

/** Of an object of the kind, by its `namespace/name` or name in the API. */
const identityOf = (kind: Kind, key: string): Identity => ({
  kind,
  key: kinds[kind].keyedBy === 'name' ? key.slice(key.indexOf('/') + 1) : key,
});

/**
 * Follows the cluster until it is disposed. While the API is away nothing is told, so that everything stays as it was.
 * `start` rejects when it is disposed before all was read once.
 */
export function createKubernetesSource({ client, namespace, tell }: KubernetesSourceOptions): Source {
  const stopping = new AbortController();
  let running: Promise<unknown> = Promise.resolve();

  const follow = (listener: SourceListener): Promise<void> => {
    const world = new KubernetesWorld(namespace);
    const followed = followedKinds(namespace);
    const incomplete = new Set<Kind>(followed.map(({ kind }) => kind));
    const { promise, resolve, reject } = Promise.withResolvers<void>();

    const deliver = (isNews: boolean): void => {
      const complete = incomplete.size === 0;
      const changes = world.takeChanges(complete);
      if (changes.length > 0 || isNews) listener.batch({ changes, complete });
      const problems = complete ? world.takeProblems() : undefined;
      if (problems !== undefined) listener.problems(problems);
      if (complete) resolve();
    };

    running = Promise.all(
      followed.map(({ kind, selection, isOptional }) =>
        watchCollection<ReadObject>(
          client,
          {
            selection,
            isOptional,
            trim: readApiObject,
            batch({ changes, complete }) {
              for (const change of changes) {
                if (change.kind === 'removed') world.remove(identityOf(kind, change.key));
                else world.put(change.object);
              }
              deliver(complete && incomplete.delete(kind) && incomplete.size === 0);
            },
            ...(tell && { tell: (notice: CollectionNotice) => tell(kind, notice) }),
          },
          stopping.signal,
        ),
      ),
    ).then(() => reject(new Error('the source was stopped before everything was read')), reject);
    return promise;
  };

  return {
    start: follow,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}
