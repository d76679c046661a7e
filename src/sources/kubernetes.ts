// A Kubernetes API as a source of objects: every kind is listed and watched, and what they tell comes in one stream.
import { configurationKinds } from '../api/cross-object.ts';
import { kinds } from '../api/kinds.ts';
import { type ApiObject, isRecord, keyOf } from '../kubernetes/api-object.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { pods } from '../kubernetes/resource.ts';
import {
  type CollectionBatch,
  type CollectionNotice,
  watchCollection,
} from '../kubernetes/watch-collection.ts';
import { basicAuthType } from '../model/secret.ts';
import type { Kind } from '../model/world.ts';
import { readDefinition, wentWith } from './definition.ts';
import { KubernetesWorld, type ReadObject, readObject } from './kubernetes-world.ts';
import { createMemberNodes } from './member-nodes.ts';
import { restful } from './restful.ts';
import { type ServiceVersions, versionOf } from './service-versions.ts';
import type { Source, SourceListener } from './source.ts';

export interface MemberPods {
  readonly namespace: string;
  readonly labelSelector: string;
}

export interface KubernetesSourceOptions {
  readonly client: ApiClient;
  /** Only objects in it configure Gantry: `metallb-system` for who comes from MetalLB. */
  readonly configurationNamespace: string;
  /** What to watch: the others are as good as empty. */
  readonly kinds: readonly Kind[];
  /** The pods that Gantry runs in, of which each makes its node a member; undefined: every node is one. */
  readonly memberPods?: MemberPods;
  /** Services come with their versions, and again with each new one: for who writes to them. */
  readonly tellsVersions?: boolean;
  /** Is kept up to date, for who writes about Services. */
  readonly versions?: ServiceVersions;
  /** How each kind's watch goes, for logs and metrics. */
  readonly tell?: (kind: Kind | 'Pod', notice: CollectionNotice) => void;
}

/** What a controller decides by. */
export const controllerKinds: readonly Kind[] = [
  'Service',
  'Node',
  'Namespace',
  'AddressProbe',
  ...configurationKinds,
];
/** What an agent announces and forwards by. */
export const agentKinds: readonly Kind[] = [
  'Service',
  'EndpointSlice',
  'Node',
  'Namespace',
  'Secret',
  ...configurationKinds,
];
/** What a person is told by: passwords are none of it. */
export const allKinds: readonly Kind[] = [...agentKinds.filter((kind) => kind !== 'Secret'), 'AddressProbe'];

/** A pod that leaves is replaced within this, unless Gantry is to run on its node no more. */
const lingerMilliseconds = 60_000;

/**
 * Resolves its start once every kind is whole, however long the API is away. Then that stays in force which was read,
 * until the API tells otherwise. The last accepted version of an object that broke is remembered by this process only:
 * the API server's schema and the webhook stand before it.
 */
export function kubernetesSource(options: KubernetesSourceOptions): Source {
  const { client, versions, tell = () => {} } = options;
  const stop = new AbortController();
  let working: Promise<unknown> = Promise.resolve();

  const readService = (object: ApiObject): ReadObject => {
    const version = versionOf(object);
    versions?.put(keyOf(object), version);
    const { uid, resourceVersion } = version;
    return readObject(object, options.tellsVersions ? { uid, resourceVersion } : undefined);
  };

  const follow = (listener: SourceListener, whole: () => void): Promise<unknown> => {
    const world = new KubernetesWorld();
    const unread = new Set<Kind | 'Pod'>(options.kinds);
    if (options.memberPods !== undefined) unread.add('Pod');

    const tellProblems = restful(
      () => {
        const problems = world.changedProblems();
        if (problems !== undefined) listener.problems(problems);
      },
      client.clock,
      stop.signal,
    );

    const tellChanges = (kind: Kind | 'Pod', isRead: boolean): void => {
      const becomesWhole = isRead && unread.delete(kind) && unread.size === 0;
      if (becomesWhole) world.becomeWhole();
      const changes = world.flush();
      if (changes.length > 0 || becomesWhole) listener.batch({ changes, complete: unread.size === 0 });
      if (unread.size === 0) tellProblems();
      if (becomesWhole) whole();
    };

    /** Keys of configuration that is gone, until it is known why. */
    const vanished = new Map<Kind, Set<string>>(configurationKinds.map((kind) => [kind, new Set()]));

    const take = (kind: Kind, batch: CollectionBatch<ReadObject>): void => {
      if (stop.signal.aborted) return;
      const gone = vanished.get(kind);
      for (const change of batch.changes) {
        gone?.delete(change.key);
        if (change.kind !== 'removed') world.put(kind, change.key, change.object);
        else if (gone !== undefined) gone.add(change.key);
        else {
          world.remove(kind, change.key);
          if (kind === 'Service') versions?.remove(change.key);
        }
      }
      tellChanges(kind, batch.complete);
      if (gone !== undefined && gone.size > 0) void judgeVanished(kind, gone);
    };

    /** What somebody deleted is out of force; what went with its definition stays in it. */
    const judgeVanished = async (kind: Kind, gone: Set<string>): Promise<void> => {
      const asked = [...gone];
      const definition = await readDefinition(client, kind, stop.signal);
      if (stop.signal.aborted) return;
      // One that is there again has been taken out; one that went since is asked for anew.
      for (const key of asked.filter((one) => gone.delete(one))) {
        if (wentWith(definition, world.creationOf(kind, key))) world.strand(kind, key);
        else world.remove(kind, key);
      }
      tellChanges(kind, false);
    };

    const members = createMemberNodes({
      lingerMilliseconds,
      expired() {
        world.setMembers(members.nodes);
        tellChanges('Pod', false);
      },
    });

    const takePods = (batch: CollectionBatch<PodPlace>): void => {
      if (stop.signal.aborted) return;
      for (const change of batch.changes) {
        if (change.kind === 'removed') members.remove(change.key);
        else members.put(change.key, change.object.node);
      }
      world.setMembers(members.nodes);
      tellChanges('Pod', batch.complete);
    };

    const watching = options.kinds.map((kind) =>
      watchCollection<ReadObject>(
        client,
        {
          selection: selectionOf(kind, options.configurationNamespace),
          trim: kind === 'Service' ? readService : (object) => readObject(object),
          batch: (batch) => take(kind, batch),
          tell: (notice) => tell(kind, notice),
          emptyWhen: emptyWhen(kind),
        },
        stop.signal,
      ),
    );
    if (options.memberPods !== undefined)
      watching.push(
        watchCollection<PodPlace>(
          client,
          {
            selection: { resource: pods, ...options.memberPods },
            trim: placeOf,
            batch: takePods,
            tell: (notice) => tell('Pod', notice),
          },
          stop.signal,
        ),
      );
    return Promise.all(watching);
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

interface PodPlace {
  /** Undefined while it waits for one, and once it has ended. */
  readonly node: string | undefined;
}

function placeOf(pod: ApiObject): PodPlace {
  const { spec, status } = pod;
  const hasEnded = isRecord(status) && (status['phase'] === 'Succeeded' || status['phase'] === 'Failed');
  const node = isRecord(spec) && !hasEnded ? spec['nodeName'] : undefined;
  return { node: typeof node === 'string' && node !== '' ? node : undefined };
}

/**
 * Without a definition of pools nothing is decided: it may be gone only while the cluster is being changed over. Without
 * passwords all goes on but for the sessions that need one.
 */
function emptyWhen(kind: Kind): readonly ('not-found' | 'forbidden')[] {
  if (kind === 'Secret') return ['forbidden'];
  return isConfiguring(kind) && kind !== 'IPAddressPool' ? ['not-found'] : [];
}

/** Of Gantry's own kinds, and of Secrets, only the objects in the configuration's namespace count. */
const isConfiguring = (kind: Kind): boolean =>
  kind === 'AddressProbe' || kind === 'Secret' || isConfigurationKind(kind);

const isConfigurationKind = (kind: Kind): boolean => (configurationKinds as readonly Kind[]).includes(kind);

/** Where the API has the objects of a kind that count. */
export function selectionOf(kind: Kind, configurationNamespace: string) {
  const { apiVersions, plural, namespaced } = kinds[kind];
  // The last is the newest.
  const apiVersion = apiVersions.at(-1) ?? '';
  return {
    resource: { apiVersion, kind, plural, isNamespaced: namespaced },
    namespace: isConfiguring(kind) ? configurationNamespace : undefined,
    form: kind === 'Namespace' ? ('metadata' as const) : ('whole' as const),
    // Others are never asked for, what they hold does not leave the server.
    ...(kind === 'Secret' && { fieldSelector: `type=${basicAuthType}` }),
  };
}
