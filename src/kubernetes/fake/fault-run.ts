// A client that follows a collection on two API servers which do all that can go wrong, from a seed; and what must hold.
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../collections/seeded.ts';
import { createApiClient } from '../client.ts';
import { type FakeApiServer, startFakeApiServer } from '../fake-api-server.ts';
import { apiSentence } from '../reason.ts';
import { configMaps } from '../resource.ts';
import { sampleAccess } from '../sample-access.ts';
import type { Timing } from '../timing.ts';
import { type CollectionBatch, watchCollection } from '../watch-collection.ts';
import { randomFaults } from './faults.ts';
import { createFakeStore, type FakeStore } from './store.ts';
import { create, remove, replace } from './writes.ts';

export interface FaultRunOptions {
  readonly seed: number;
  /** Writes while there are faults. */
  readonly writes: number;
}

/** A thousandth of the real one's, nearly. */
const timing: Timing = {
  connectMilliseconds: 500,
  answerMilliseconds: 100,
  pieceMilliseconds: 100,
  watchPieceMilliseconds: 150,
  watchMilliseconds: 200,
  auditMilliseconds: 300,
  firstDelayMilliseconds: 3,
  longestDelayMilliseconds: 30,
  longestRetryAfterMilliseconds: 20,
  materialsMilliseconds: 1000,
};

/** Far more than the slowest machine needs for a few of the times above. */
const settlingMilliseconds = 20_000;

/** Rejects, with a trace, where the client tells what is not so, or does not come to hold what the servers hold. */
export async function runApiFaults({ seed, writes }: FaultRunOptions): Promise<{ readonly trace: string[] }> {
  const random = seeded(seed);
  const began = performance.now();
  const trace: string[] = [];
  const note = (text: string): void => {
    trace.push(`${(performance.now() - began).toFixed(0).padStart(6)} ms  ${text}`);
  };
  const store = createFakeStore();
  const deletions = watchDeletions(store, note);
  const faults = [0, 1].map((server) => randomFaults(random, (text) => note(`server ${server}: ${text}`)));
  const packBytes = random() < 0.5 ? 500 : Number.POSITIVE_INFINITY;
  const hasStreamingLists = random() < 0.7;
  const start = (index: number, port?: number): Promise<FakeApiServer> =>
    startFakeApiServer({
      store,
      packBytes,
      hasStreamingLists,
      bookmarkMilliseconds: 40,
      ...(faults[index] && { faults: faults[index] }),
      ...(port !== undefined && { port }),
    });
  const servers = [await start(0), await start(1)];
  using client = createApiClient({ access: sampleAccess(servers.map(({ url }) => url)), timing });
  const held = new Map<string, string>();
  const stop = new AbortController();
  const wrong: string[] = [];
  let isComplete = false;

  const take = ({ changes, complete }: CollectionBatch<string>): void => {
    if (isComplete && !complete) wrong.push('the collection is not complete any more');
    isComplete = complete;
    for (const change of changes) {
      const before = held.get(change.key);
      note(`client: ${change.kind} ${change.key} ${'object' in change ? change.object : `(${before})`}`);
      if ((change.kind === 'added') !== (before === undefined))
        wrong.push(`${change.key} is ${change.kind}, and before it was ${before}`);
      if (change.kind === 'removed') {
        held.delete(change.key);
        if (!deletions.happenedAfter(change.key, Number(before)))
          wrong.push(`${change.key} is removed, and was there`);
      } else held.set(change.key, change.object);
    }
  };
  const following = watchCollection<string>(
    client,
    {
      selection: { resource: configMaps },
      pageSize: 1 + Math.floor(random() * 10),
      trim: ({ metadata }) => metadata.resourceVersion,
      batch: take,
      tell: (notice) =>
        note(`client: ${notice.kind === 'failed' ? apiSentence(notice.reason) : JSON.stringify(notice)}`),
    },
    stop.signal,
  );

  for (let count = 0; count < writes; count++) {
    writeSomething(store, random);
    if (random() < 0.03) {
      store.compact(store.revision - Math.floor(random() * 5));
      note(`store: compacted to ${store.compacted}`);
    }
    if (random() < 0.02) await restart(servers, Math.floor(random() * 2), start, note);
    await sleep(random() < 0.2 ? random() * 40 : 0);
  }
  for (const each of faults) each.end();
  note('the faults end');
  const difference = await settled(store, held);
  stop.abort();
  await following;
  for (const server of servers) await server[Symbol.asyncDispose]();
  if (difference !== undefined) wrong.push(difference);
  if (wrong.length > 0) throw new Error(`seed ${seed}: ${wrong.join('; ')}\n${trace.join('\n')}`);
  return { trace };
}

const kind = { ...configMaps, hasStatus: false };
const collection = 'v1/configmaps';

/** A few names, so that they go and come again. */
function writeSomething(store: FakeStore, random: () => number): void {
  const context = { store, resource: kind, namespace: 'default', manager: 'writer', isDryRun: false };
  const name = `map-${Math.floor(random() * 25)}`;
  const data = { text: 'x'.repeat(random() * 200), quotes: '\\"]}é' };
  if (store.get(collection, `default/${name}`) === undefined) create(context, { metadata: { name }, data });
  else if (random() < 0.3) remove(context, name, {});
  else replace(context, name, undefined, { metadata: { name }, data: { ...data, at: store.revision } });
}

async function restart(
  servers: FakeApiServer[],
  index: number,
  start: (index: number, port: number) => Promise<FakeApiServer>,
  note: (text: string) => void,
): Promise<void> {
  const server = servers[index];
  if (server === undefined) return;
  note(`server ${index}: restarted`);
  await server[Symbol.asyncDispose]();
  servers[index] = await start(index, server.port);
}

function watchDeletions(store: FakeStore, note: (text: string) => void) {
  const lastOf = new Map<string, number>();
  store.subscribe(({ revision, key, after }) => {
    if (after === undefined) lastOf.set(key, revision);
    note(`store: ${after === undefined ? 'removed' : 'put'} ${key} ${revision}`);
  });
  return {
    happenedAfter: (key: string, version: number): boolean => (lastOf.get(key) ?? 0) > version,
  };
}

/** Undefined once the client holds what the store holds; the difference where it does not in time. */
async function settled(store: FakeStore, held: ReadonlyMap<string, string>): Promise<string | undefined> {
  const wanted = new Map(
    store.list(collection).map(([key, { metadata }]) => [key, metadata.resourceVersion]),
  );
  const wrongKeys = (): string[] =>
    [...new Set([...wanted.keys(), ...held.keys()])].filter((key) => wanted.get(key) !== held.get(key));
  const deadline = performance.now() + settlingMilliseconds;
  while (wrongKeys().length > 0) {
    if (performance.now() > deadline) {
      const told = wrongKeys().map((key) => `${key}: server ${wanted.get(key)}, client ${held.get(key)}`);
      return `the client never held what the servers hold: ${told.join(', ')}`;
    }
    await sleep(5);
  }
  return undefined;
}
