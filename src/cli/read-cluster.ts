// The objects and the statuses of a cluster, for a snapshot.
import { apiVersionOf, servedKinds } from '../api/crd/served-kinds.ts';
import { nodeReportKind } from '../api/node-report.ts';
import { type ApiClient, createApiClient } from '../kubernetes/client.ts';
import { listObjects } from '../kubernetes/list.ts';
import { apiSentence } from '../kubernetes/reason.ts';
import { type Resource, services } from '../kubernetes/resource.ts';
import type { ObjectProblem } from '../model/problem.ts';
import type { StatusObject } from '../model/status.ts';
import { applyBatch, emptyWorld } from '../model/world.ts';
import { allKinds, kubernetesSource } from '../sources/kubernetes.ts';
import type { Origin } from './origin.ts';
import type { SnapshotParts } from './snapshot-parts.ts';

/** Rejects with a sentence where something cannot be read. */
export async function readCluster(origin: Extract<Origin, { kind: 'kubernetes' }>): Promise<SnapshotParts> {
  const { access, configurationNamespace } = origin;
  using client = createApiClient({ access, userAgent: 'gantry' });
  const [objects, ofServices, reports, announcements, bgpAnnouncements] = await Promise.all([
    readObjects(client, configurationNamespace),
    list(client, services, undefined),
    list(client, servedResource(nodeReportKind), configurationNamespace),
    list(client, servedResource('ServiceL2Status'), configurationNamespace),
    list(client, servedResource('ServiceBGPStatus'), configurationNamespace),
  ]);
  return { ...objects, services: ofServices, reports, announcements, bgpAnnouncements };
}

async function readObjects(
  client: ApiClient,
  configurationNamespace: string,
): Promise<Pick<SnapshotParts, 'world' | 'problems'>> {
  const world = emptyWorld();
  let problems: readonly ObjectProblem[] = [];
  const { promise: failure, reject } = Promise.withResolvers<never>();
  await using source = kubernetesSource({
    client,
    configurationNamespace,
    kinds: allKinds,
    tell(_kind, notice) {
      // A program that stays tries again; a person hears why at once.
      if (notice.kind === 'failed' && !isMissingKind(notice.reason.kind) && notice.reason.kind !== 'busy')
        reject(new Error(apiSentence(notice.reason)));
    },
  });
  const start = source.start({
    batch: (batch) => applyBatch(world, batch),
    problems: (stand) => {
      problems = stand;
    },
  });
  await Promise.race([start, failure]);
  return { world, problems };
}

/** A kind whose definition is not installed has no objects. */
const isMissingKind = (reason: string): boolean => reason === 'not-found';

async function list(
  client: ApiClient,
  resource: Resource,
  namespace: string | undefined,
): Promise<StatusObject[]> {
  const found: StatusObject[] = [];
  const outcome = await listObjects(client, { selection: { resource, namespace } }, (object) =>
    found.push(object),
  );
  if (!outcome.ok && !isMissingKind(outcome.reason.kind)) throw new Error(apiSentence(outcome.reason));
  return found;
}

function servedResource(wanted: string): Resource {
  const served = servedKinds.find(({ kind }) => kind === wanted);
  if (served === undefined) throw new RangeError(`${wanted} is not served`);
  const { kind, plural } = served;
  return { apiVersion: apiVersionOf(served), kind, plural, isNamespaced: true };
}
