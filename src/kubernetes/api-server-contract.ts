// What the client expects of an API server: run against the fake here, and against the real one where there is one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { createEvent, repeatEvent } from './event.ts';
import { listObjects } from './list.ts';
import {
  applyObject,
  createObject,
  deleteCollection,
  deleteObject,
  getObject,
  jsonPatch,
  mergePatch,
  replaceObject,
} from './objects.ts';
import type { ApiReason, ApiResult } from './reason.ts';
import { configMaps, events, namespaces, services } from './resource.ts';
import { type WatchEvent, watchObjects } from './watch.ts';
import { watchCollection } from './watch-collection.ts';

export interface ApiServerBench {
  /** May do everything. */
  readonly client: ApiClient;
  /** Makes the server forget old versions; undefined: it cannot be made to here. */
  readonly compact?: (() => Promise<void>) | undefined;
}

/** `connect` is called for each test; it reaches a server that has the namespace `default`. */
export function apiServerContract(
  name: string,
  connect: () => Promise<ApiServerBench & AsyncDisposable>,
): void {
  const contractTest = (
    title: string,
    run: (bench: ApiServerBench & { readonly namespace: string }) => Promise<void>,
  ): void => {
    test(title, { timeout: 60_000 }, async () => {
      await using bench = await connect();
      const { client, compact } = bench;
      const made = value(await createObject(client, namespaces, { metadata: { generateName: 'contract-' } }));
      await run({ client, compact, namespace: made.metadata.name });
      value(await deleteObject(client, namespaces, made.metadata));
    });
  };

  describe(`${name}, an API server,`, () => {
    contractTest('gives back what was created, and once only', async ({ client, namespace }) => {
      const map = configMap(namespace, 'a', { colour: 'red' });
      const created = value(await createObject(client, configMaps, map));
      assert.deepEqual(created['data'], { colour: 'red' });
      assert.equal(created.kind, 'ConfigMap');
      const read = value(await getObject(client, configMaps, { namespace, name: 'a' }));
      assert.equal(read.metadata.resourceVersion, created.metadata.resourceVersion);
      assert.equal(read.metadata.uid, created.metadata.uid);
      assert.equal(reason(await createObject(client, configMaps, map)).kind, 'already-exists');
      assert.equal(reason(await getObject(client, configMaps, { namespace, name: 'b' })).kind, 'not-found');
    });

    contractTest('applies a status with its annotations, and none of what is missing', async (bench) => {
      const { client, namespace } = bench;
      const metadata = { namespace, name: 'web' };
      const options = { subresource: 'status', fieldManager: 'contract', isForced: true } as const;
      const ingress = [{ ip: '192.0.2.1', ipMode: 'VIP' }];
      const status = {
        metadata: { ...metadata, annotations: { pool: 'lan' } },
        status: { loadBalancer: { ingress } },
      };
      assert.equal(reason(await applyObject(client, services, status, options)).kind, 'invalid');
      const spec = { type: 'LoadBalancer', ports: [{ port: 80 }] };
      value(await createObject(client, services, { metadata, spec }));
      const applied = value(await applyObject(client, services, status, options));
      assert.deepEqual(applied['status'], { loadBalancer: { ingress } });
      assert.deepEqual(applied.metadata.annotations, { pool: 'lan' });
      const cleared = value(await applyObject(client, services, { metadata, status: {} }, options));
      assert.deepEqual(cleared['status'], { loadBalancer: {} });
      assert.deepEqual(cleared.metadata.annotations ?? {}, {});
    });

    contractTest('names the fields of what it refuses', async ({ client, namespace }) => {
      const refused = reason(await createObject(client, configMaps, configMap(namespace, 'Not_A_Name')));
      assert.ok(refused.kind === 'invalid');
      assert.equal(refused.causes[0]?.field, 'metadata.name');
      assert.match(refused.causes[0]?.message ?? '', /RFC 1123/);
    });

    contractTest(
      'replaces an object only in the version that it was read in',
      async ({ client, namespace }) => {
        const map = configMap(namespace, 'a', { colour: 'red' });
        const first = value(await createObject(client, configMaps, map));
        const { resourceVersion } = first.metadata;
        const green = { ...map, metadata: { ...map.metadata, resourceVersion }, data: { colour: 'green' } };
        value(await replaceObject(client, configMaps, green));
        assert.equal(reason(await replaceObject(client, configMaps, green)).kind, 'conflict');
      },
    );

    contractTest('merges patches, guarded by a version if wanted', async ({ client, namespace }) => {
      const name = { namespace, name: 'a' };
      const map = configMap(namespace, 'a', { colour: 'red', size: 'big' });
      const { resourceVersion } = value(await createObject(client, configMaps, map)).metadata;
      const patch = { data: { colour: 'green', size: null } };
      const patched = value(await mergePatch(client, configMaps, name, patch, { resourceVersion }));
      assert.deepEqual(patched['data'], { colour: 'green' });
      const again = await mergePatch(
        client,
        configMaps,
        name,
        { data: { colour: 'blue' } },
        { resourceVersion },
      );
      assert.equal(reason(again).kind, 'conflict');
    });

    contractTest('does JSON patches as a whole or not at all', async ({ client, namespace }) => {
      const name = { namespace, name: 'a' };
      const created = value(
        await createObject(
          client,
          configMaps,
          configMap(namespace, 'a', { colour: 'red' }, { 'example.com/a': 'b' }),
        ),
      );
      const patch = [
        { op: 'test', path: '/data/colour', value: 'red' },
        { op: 'replace', path: '/metadata/labels/example.com~1a', value: 'x' },
        { op: 'add', path: '/data/size', value: 'big' },
        { op: 'remove', path: '/data/colour' },
      ] as const;
      const { resourceVersion } = created.metadata;
      const patched = value(await jsonPatch(client, configMaps, name, patch, { resourceVersion }));
      assert.deepEqual(patched['data'], { size: 'big' });
      assert.deepEqual(patched.metadata.labels, { 'example.com/a': 'x' });
      assert.equal(reason(await jsonPatch(client, configMaps, name, patch)).kind, 'invalid');
      const stale = await jsonPatch(client, configMaps, name, [patch[2]], { resourceVersion });
      assert.equal(reason(stale).kind, 'conflict');
    });

    contractTest(
      'applies each manager its fields, and tells who is in the way',
      async ({ client, namespace }) => {
        const apply = (data: Record<string, string>, fieldManager: string, isForced = false) =>
          applyObject(client, configMaps, configMap(namespace, 'a', data), { fieldManager, isForced });
        value(await apply({ colour: 'red', size: 'big' }, 'one'));
        assert.deepEqual(value(await apply({ shape: 'round' }, 'two'))['data'], {
          colour: 'red',
          size: 'big',
          shape: 'round',
        });
        const refused = reason(await apply({ colour: 'green' }, 'two'));
        assert.ok(refused.kind === 'conflict');
        assert.deepEqual(refused.causes[0]?.field, '.data.colour');
        assert.match(refused.causes[0]?.message ?? '', /"one"/);
        const forced = value(await apply({ colour: 'green' }, 'two', true));
        assert.deepEqual(forced['data'], { colour: 'green', size: 'big' });
        assert.deepEqual(value(await apply({}, 'one'))['data'], { colour: 'green' });
      },
    );

    contractTest('keeps status and spec apart', async ({ client, namespace }) => {
      const name = { namespace, name: 'web' };
      const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
      const spec = { type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false };
      const service = value(await createObject(client, services, { metadata: name, spec }));
      const ingress = [{ ip: '192.0.2.200', ipMode: 'VIP' }];
      const status = { status: { loadBalancer: { ingress } } };
      const { resourceVersion } = service.metadata;
      const guarded = { subresource: 'status', resourceVersion } as const;
      const written = value(await mergePatch(client, services, name, status, guarded));
      assert.deepEqual(loadBalancer(written), { ingress });
      assert.equal(reason(await mergePatch(client, services, name, status, guarded)).kind, 'conflict');
      const ignored = await mergePatch(client, services, name, {
        status: { loadBalancer: { ingress: null } },
      });
      assert.deepEqual(loadBalancer(value(ignored)), { ingress });
    });

    contractTest('writes nothing in a dry run', async ({ client, namespace }) => {
      const dry = await createObject(client, configMaps, configMap(namespace, 'a'), { isDryRun: true });
      assert.equal(value(dry).metadata.resourceVersion, '');
      assert.equal(reason(await getObject(client, configMaps, { namespace, name: 'a' })).kind, 'not-found');
    });

    contractTest('deletes only what the preconditions allow', async ({ client, namespace }) => {
      const name = { namespace, name: 'a' };
      const { resourceVersion, uid } = value(
        await createObject(client, configMaps, configMap(namespace, 'a')),
      ).metadata;
      const other = '00000000-0000-4000-8000-00000000abcd';
      assert.equal(reason(await deleteObject(client, configMaps, name, { uid: other })).kind, 'conflict');
      assert.ok(uid);
      value(await deleteObject(client, configMaps, name, { uid, resourceVersion }));
      assert.equal(reason(await deleteObject(client, configMaps, name)).kind, 'not-found');
    });

    contractTest('lists what is selected, page by page, and deletes it', async ({ client, namespace }) => {
      for (let index = 0; index < 7; index++) {
        const map = configMap(namespace, `m${index}`, {}, { parity: index % 2 === 0 ? 'even' : 'odd' });
        value(await createObject(client, configMaps, map));
      }
      const selection = { resource: configMaps, namespace, labelSelector: 'parity' };
      const names = async (pageSize: number): Promise<string[]> => {
        const found: string[] = [];
        value(
          await listObjects(client, { selection, pageSize }, ({ metadata }) => found.push(metadata.name)),
        );
        return found;
      };
      const all = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'];
      assert.deepEqual(await names(2), all);
      assert.deepEqual(await names(100), all);
      value(await deleteCollection(client, { ...selection, labelSelector: 'parity=even' }));
      assert.deepEqual(await names(2), ['m1', 'm3', 'm5']);
    });

    contractTest('gives metadata alone where no more is wanted', async ({ client, namespace }) => {
      value(await createObject(client, configMaps, configMap(namespace, 'a', { colour: 'red' }, { a: 'b' })));
      const found: ApiObject[] = [];
      const selection = { resource: configMaps, namespace, labelSelector: 'a', form: 'metadata' } as const;
      value(await listObjects(client, { selection }, (object) => found.push(object)));
      assert.equal(found[0]?.kind, 'ConfigMap');
      assert.deepEqual(found[0]?.metadata.labels, { a: 'b' });
      assert.equal(found[0]?.['data'], undefined);
    });

    contractTest('tells a watch what happened after a version', async ({ client, namespace }) => {
      const first = value(await createObject(client, configMaps, configMap(namespace, 'a')));
      value(await mergePatch(client, configMaps, { namespace, name: 'a' }, { data: { colour: 'red' } }));
      value(await createObject(client, configMaps, configMap(namespace, 'b')));
      value(await deleteObject(client, configMaps, { namespace, name: 'a' }));
      const stop = new AbortController();
      const told: string[] = [];
      const versions: number[] = [];
      const from = { version: first.metadata.resourceVersion };
      const fieldSelector = 'metadata.name!=kube-root-ca.crt';
      const selection = { resource: configMaps, namespace, fieldSelector };
      const outcome = await watchObjects(
        client,
        { selection, from, milliseconds: 30_000 },
        (event) => {
          if (event.type === 'bookmark') return undefined;
          told.push(`${event.type} ${event.object.metadata.name}`);
          versions.push(Number(event.object.metadata.resourceVersion));
          if (told.length === 3) stop.abort();
          return undefined;
        },
        stop.signal,
      );
      assert.equal(reason(outcome).kind, 'aborted');
      assert.deepEqual(told, ['put a', 'put b', 'delete a']);
      assert.ok(versions.every((version, index) => version > (versions[index - 1] ?? 0)));
    });

    contractTest('streams what there is, and then what happens', async ({ client, namespace }) => {
      for (const name of ['a', 'b'])
        value(await createObject(client, configMaps, configMap(namespace, name)));
      const stop = new AbortController();
      const told: string[] = [];
      const see = (event: WatchEvent): undefined => {
        if (event.type !== 'bookmark') told.push(`${event.type} ${event.object.metadata.name}`);
        else if (event.isInitialEnd) {
          told.push('whole');
          void createObject(client, configMaps, configMap(namespace, 'c'));
        }
        if (told.includes('put c')) stop.abort();
      };
      const fieldSelector = 'metadata.name!=kube-root-ca.crt';
      const selection = { resource: configMaps, namespace, fieldSelector };
      await watchObjects(client, { selection, from: 'all', milliseconds: 30_000 }, see, stop.signal);
      assert.deepEqual(told.slice(0, 2).sort(), ['put a', 'put b']);
      assert.deepEqual(told.slice(2), ['whole', 'put c']);
    });

    contractTest('tells who resumes from a forgotten version to list again', async (bench) => {
      const { client, namespace, compact } = bench;
      const { metadata } = value(await createObject(client, configMaps, configMap(namespace, 'a')));
      for (let count = 0; count < 3; count++)
        value(await mergePatch(client, configMaps, metadata, { data: { count: String(count) } }));
      if (compact === undefined) return;
      await compact();
      const outcome = await watchObjects(
        client,
        {
          selection: { resource: configMaps, namespace },
          from: { version: metadata.resourceVersion },
          milliseconds: 10_000,
        },
        () => undefined,
        AbortSignal.timeout(20_000),
      );
      assert.equal(reason(outcome).kind, 'expired');
    });

    contractTest('is followed as a collection', async ({ client, namespace }) => {
      value(await createObject(client, configMaps, configMap(namespace, 'a', {}, { mine: 'yes' })));
      const stop = new AbortController();
      const held = new Map<string, unknown>();
      const write = (): void => {
        void (async () => {
          const name = { namespace, name: 'a' };
          value(await mergePatch(client, configMaps, name, { data: { colour: 'red' } }));
          value(await createObject(client, configMaps, configMap(namespace, 'b', {}, { mine: 'yes' })));
          value(await mergePatch(client, configMaps, name, { metadata: { labels: { mine: 'no' } } }));
        })();
      };
      const steps: string[] = [];
      await watchCollection<unknown>(
        client,
        {
          selection: { resource: configMaps, namespace, labelSelector: 'mine=yes' },
          trim: (object) => object['data'] ?? {},
          batch({ changes, complete }) {
            for (const change of changes) {
              steps.push(`${change.kind} ${change.key}`);
              if (change.kind === 'removed') held.delete(change.key);
              else held.set(change.key, change.object);
            }
            if (complete && steps.length === 1) write();
            if (steps.length === 4) stop.abort();
          },
        },
        AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)]),
      );
      assert.deepEqual(steps, [
        `added ${namespace}/a`,
        `changed ${namespace}/a`,
        `added ${namespace}/b`,
        `removed ${namespace}/a`,
      ]);
      assert.deepEqual([...held], [[`${namespace}/b`, {}]]);
    });

    contractTest('takes events, and that they happened again', async ({ client, namespace }) => {
      const about = value(await createObject(client, configMaps, configMap(namespace, 'a')));
      const content = { type: 'Warning', reason: 'Tested', message: 'é'.repeat(2000) } as const;
      const source = { component: 'contract' };
      const event = value(await createEvent(client, about, content, source, new Date()));
      value(await repeatEvent(client, event, 2, new Date()));
      const read = value(await getObject(client, events, event.metadata));
      assert.equal(read['count'], 2);
      assert.equal(read['reason'], 'Tested');
    });
  });
}

const configMap = (
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>> = {},
  labels: Readonly<Record<string, string>> = {},
) => ({ metadata: { namespace, name, ...(Object.keys(labels).length > 0 && { labels }) }, data });

function loadBalancer({ status }: ApiObject): unknown {
  return (status as { readonly loadBalancer: unknown }).loadBalancer; // a Service's
}

function value<T>(result: ApiResult<T>): T {
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.reason));
  return result.value;
}

function reason<T>(result: ApiResult<T>): ApiReason {
  assert.ok(!result.ok, 'this should have been refused');
  return result.reason;
}
