// A collection that is followed over everything that servers do: what its listener is told, and what the server is asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiClient } from './client.ts';
import type { Faults, WatchFault } from './fake/faults.ts';
import { create, remove, replace } from './fake/writes.ts';
import { type FakeApiServer, type FakeApiServerOptions, startFakeApiServer } from './fake-api-server.ts';
import { configMaps, type Resource } from './resource.ts';
import { sampleAccess } from './sample-access.ts';
import type { Timing } from './timing.ts';
import { type CollectionNotice, type CollectionOptions, watchCollection } from './watch-collection.ts';

const fast: Partial<Timing> = {
  firstDelayMilliseconds: 5,
  longestDelayMilliseconds: 20,
  pieceMilliseconds: 5000,
  watchPieceMilliseconds: 5000,
};

interface Followed extends AsyncDisposable {
  readonly server: FakeApiServer;
  /** What was told, such as `added a`; `whole` where the collection became complete. */
  readonly told: string[];
  readonly notices: CollectionNotice[];
  put(name: string, data?: object): void;
  remove(name: string): void;
  /** Waits until this is what was told since the last time. */
  expect(...told: readonly string[]): Promise<void>;
}

const kind = { ...configMaps, hasStatus: false };

async function follow(
  options: FakeApiServerOptions,
  timing: Partial<Timing> = {},
  change: Partial<CollectionOptions<unknown>> = {},
  before: (server: FakeApiServer) => void = () => {},
): Promise<Followed> {
  const server = await startFakeApiServer(options);
  before(server);
  const client = createApiClient({ access: sampleAccess([server.url]), timing: { ...fast, ...timing } });
  const stop = new AbortController();
  const told: string[] = [];
  const notices: CollectionNotice[] = [];
  let isComplete = false;
  const following = watchCollection<unknown>(
    client,
    {
      selection: { resource: configMaps },
      trim: (object) => object['data'] ?? {},
      batch({ changes, complete }) {
        for (const { kind, key } of changes) told.push(`${kind} ${key.replace('default/', '')}`);
        if (complete && !isComplete) told.push('whole');
        isComplete = complete;
      },
      tell: (notice) => notices.push(notice),
      ...change,
    },
    stop.signal,
  );
  const context = { store: server.store, resource: kind, namespace: 'default', manager: '', isDryRun: false };
  return {
    server,
    told,
    notices,
    put(name, data = {}) {
      const object = { metadata: { name }, data };
      if (server.store.get('v1/configmaps', `default/${name}`)) replace(context, name, undefined, object);
      else create(context, object);
    },
    remove: (name) => void remove(context, name, {}),
    async expect(...wanted) {
      await until(() => told.length >= wanted.length);
      assert.deepEqual(told.splice(0, wanted.length), wanted);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const secret = (resourceVersion: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a', uid: '', resourceVersion },
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'this should be so by now');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const withMaps =
  (...names: readonly string[]) =>
  ({ store }: FakeApiServer): void => {
    const context = { store, resource: kind, namespace: 'default', manager: '', isDryRun: false };
    for (const name of names) create(context, { metadata: { name } });
  };

/** The watches' faults, in turn. */
const watchFaults = (...faults: readonly WatchFault[]): Faults => {
  const rest = [...faults];
  return { answer: () => undefined, watch: () => rest.shift() };
};

const requestsOf = ({ requests }: FakeApiServer): string[] =>
  requests.map((request) =>
    /sendInitialEvents/.test(request) ? 'stream' : /watch/.test(request) ? 'watch' : 'list',
  );

test('one request gives what is there and then what happens, where the server streams', async () => {
  await using followed = await follow({}, {}, {}, withMaps('a', 'b'));
  await followed.expect('added a', 'added b', 'whole');
  followed.put('a', { colour: 'red' });
  followed.put('c');
  followed.remove('b');
  await followed.expect('changed a', 'added c', 'removed b');
  assert.deepEqual(requestsOf(followed.server), ['stream']);
});

test('an empty collection is whole, too', async () => {
  await using followed = await follow({});
  await followed.expect('whole');
});

test('where the server does not stream, pages are listed and then watched', async () => {
  await using followed = await follow(
    { hasStreamingLists: false },
    {},
    { pageSize: 2 },
    withMaps('a', 'b', 'c', 'd', 'e'),
  );
  await followed.expect('added a', 'added b', 'added c', 'added d', 'added e', 'whole');
  followed.put('f');
  await followed.expect('added f');
  assert.deepEqual(requestsOf(followed.server), ['stream', 'list', 'list', 'list', 'watch']);
});

test('a list whose continuation has expired is read once more, in one page, and nothing is told twice', async () => {
  let server: FakeApiServer | undefined;
  let lists = 0;
  const faults: Faults = {
    answer(request) {
      if (!request.endsWith('(watch)') && ++lists === 2) {
        if (server !== undefined) withMaps('later')(server);
        server?.store.compact(server.store.revision);
      }
      return undefined;
    },
    watch: () => undefined,
  };
  await using followed = await follow({ hasStreamingLists: false, faults }, {}, { pageSize: 2 }, (one) => {
    server = one;
    withMaps('a', 'b', 'c')(one);
  });
  await followed.expect('added a', 'added b', 'added c', 'added later', 'whole');
  const listed = followed.server.requests.filter((request) => !/watch/.test(request));
  assert.deepEqual([listed.length, listed[2]], [3, 'GET /api/v1/configmaps']);
});

test('a watch that ends is resumed where it was, by the last bookmark', async () => {
  await using followed = await follow(
    { bookmarkMilliseconds: 20, faults: watchFaults({ kind: 'cut', afterLines: 4 }) },
    {},
    {},
    withMaps('a'),
  );
  await followed.expect('added a', 'whole');
  // Something else moves the version on.
  const { store } = followed.server;
  store.compact(Number(store.write('v1/secrets', 'a', secret).metadata.resourceVersion));
  await until(() => followed.server.requests.length > 1);
  followed.put('b');
  await followed.expect('added b');
  // From its own last event it could not have been.
  assert.deepEqual(requestsOf(followed.server), ['stream', 'watch']);
});

test('a watch that falls silent is given up and resumed', async () => {
  await using followed = await follow(
    { faults: watchFaults({ kind: 'hush', afterLines: 2 }) },
    { watchPieceMilliseconds: 100 },
    {},
    withMaps('a'),
  );
  await followed.expect('added a', 'whole');
  followed.put('a', { colour: 'red' });
  followed.put('b');
  await followed.expect('changed a', 'added b');
  assert.ok(
    followed.notices.some((notice) => notice.kind === 'failed' && notice.reason.kind === 'no-answer'),
  );
});

test('after versions were forgotten only differences are told', async () => {
  await using followed = await follow({}, {}, {}, withMaps('a', 'b', 'c'));
  await followed.expect('added a', 'added b', 'added c', 'whole');
  const { port, store } = followed.server;
  await followed.server[Symbol.asyncDispose]();
  followed.put('a', { colour: 'red' });
  followed.remove('b');
  followed.put('d');
  store.compact(store.revision);
  await using next = await startFakeApiServer({ port, store });
  await followed.expect('changed a', 'added d', 'removed b');
  assert.deepEqual(requestsOf(next), ['watch', 'stream']);
});

test('an event that comes twice is told once', async () => {
  await using followed = await follow({ faults: watchFaults({ kind: 'repeat-last', afterLines: 1 }) });
  await followed.expect('whole');
  followed.put('a');
  followed.put('b');
  await followed.expect('added a', 'added b');
  assert.deepEqual(requestsOf(followed.server), ['stream']);
});

test('events in the wrong order lead to a new reading', async () => {
  await using followed = await follow({ faults: watchFaults({ kind: 'swap', afterLines: 1 }) });
  await followed.expect('whole');
  followed.put('a');
  followed.put('b');
  await followed.expect('added b', 'added a');
  assert.ok(
    followed.notices.some((notice) => notice.kind === 'failed' && notice.reason.kind === 'out-of-order'),
  );
  assert.deepEqual(requestsOf(followed.server), ['stream', 'stream']);
});

test('a server that has gone back to a backup is read anew', async () => {
  await using followed = await follow(
    { hasStreamingLists: false },
    { watchMilliseconds: 100, auditMilliseconds: 50 },
  );
  await followed.expect('whole');
  followed.put('a');
  await followed.expect('added a');
  const { port } = followed.server;
  await followed.server[Symbol.asyncDispose]();
  await using next = await startFakeApiServer({ port, hasStreamingLists: false });
  withMaps('b')(next);
  await followed.expect('added b', 'removed a');
});

test('a kind that is not served is an empty collection if it need not be', async () => {
  const resource: Resource = {
    apiVersion: 'example.com/v1',
    kind: 'Thing',
    plural: 'things',
    isNamespaced: true,
  };
  const selection = { resource };
  await using followed = await follow({}, {}, { selection, emptyWhen: ['not-found'] });
  await followed.expect('whole');
  const { port, store } = followed.server;
  await followed.server[Symbol.asyncDispose]();
  const served = { ...resource, hasStatus: false };
  await using _next = await startFakeApiServer({ port, store, resources: [served] });
  create(
    { store, resource: served, namespace: 'default', manager: '', isDryRun: false },
    { metadata: { name: 'a' } },
  );
  await followed.expect('added a');
});

test('what may not be read is an empty collection if that is said, until it may', async () => {
  let isForbidden = true;
  const faults: Faults = {
    answer: () => (isForbidden ? { kind: 'refuse', status: 403 } : undefined),
    watch: () => undefined,
  };
  await using followed = await follow({ faults }, {}, { emptyWhen: ['forbidden'] }, withMaps('a'));
  await followed.expect('whole');
  isForbidden = false;
  await followed.expect('added a');
});

test('what is of no interest is as good as absent', async () => {
  const trim: CollectionOptions<unknown>['trim'] = ({ data }) =>
    (data as { readonly colour?: string }).colour === 'red' ? 'red' : undefined; // ours
  await using followed = await follow({}, {}, { trim });
  await followed.expect('whole');
  followed.put('a', { colour: 'blue' });
  followed.put('a', { colour: 'red' });
  followed.put('a', { colour: 'green' });
  followed.remove('a');
  followed.put('b', { colour: 'red' });
  await followed.expect('added a', 'removed a', 'added b');
});

test('a busy server is left alone for as long as it asks', async () => {
  let refusals = 1;
  const faults: Faults = {
    answer: () => (refusals-- > 0 ? { kind: 'refuse', status: 429, retryAfterSeconds: 1 } : undefined),
    watch: () => undefined,
  };
  await using followed = await follow({ faults });
  const began = performance.now();
  await followed.expect('whole');
  assert.ok(performance.now() - began > 950);
});

test('a server on which watches fail at once is asked ever more seldom, though its lists succeed', async () => {
  const faults: Faults = { answer: () => undefined, watch: () => ({ kind: 'expired', afterLines: 0 }) };
  const timing = { firstDelayMilliseconds: 50, longestDelayMilliseconds: 1000 };
  await using followed = await follow({ hasStreamingLists: false, bookmarkMilliseconds: 1, faults }, timing);
  const waits = (): number[] =>
    followed.notices.flatMap((notice) => (notice.kind === 'failed' ? [notice.retryMilliseconds] : []));
  await until(() => waits().length >= 4);
  assert.ok((waits()[3] ?? 0) >= 200, waits().join());
});
