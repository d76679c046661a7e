// Whatever is done to a folder, in whatever order: when it comes to rest, what is in force is what lies there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { applyBatch, emptyWorld, type World } from '../model/world.ts';
import {
  type Follower,
  follow,
  poolYaml,
  serviceStatusJson,
  serviceYaml,
  TemporaryFolder,
} from './folder-fixture.ts';
import { listFolder } from './folder-list.ts';

/**
 * Each file has Services of its own, so that what is in force does not depend on the order of events, which is the
 * point of the rules for duplicates.
 */
const places = ['a', 'b', 'x/c', 'x/d', 'x/y/e', 'z/f'] as const;
const place = fc.constantFrom(...places);
const port = fc.integer({ min: 1, max: 9 });
const pause = fc.constantFrom(0, 0, 0, 1, 5, 30);

const operation = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    place,
    port,
    objects: fc.integer({ min: 0, max: 3 }),
    pause,
  }),
  fc.record({
    do: fc.constant('write-half' as const),
    place,
    port,
    share: fc.integer({ min: 0, max: 9 }),
    pause,
  }),
  fc.record({ do: fc.constant('break' as const), place, pause }),
  fc.record({ do: fc.constant('remove' as const), place, pause }),
  fc.record({ do: fc.constant('replace' as const), place, port, pause }),
  fc.record({ do: fc.constant('save-as-vim' as const), place, port, pause }),
  fc.record({ do: fc.constant('remove-folder' as const), folder: fc.constantFrom('x', 'x/y', 'z'), pause }),
  fc.record({ do: fc.constant('move-folder' as const), folder: fc.constantFrom('x', 'x/y'), pause }),
  fc.record({ do: fc.constant('swap' as const), port, pause }),
  fc.record({ do: fc.constant('unswap' as const), pause }),
  fc.record({ do: fc.constant('status' as const), place, port, pause }),
  fc.record({ do: fc.constant('remove-status' as const), place, pause }),
  fc.record({ do: fc.constant('remove-all-status' as const), pause }),
);

type Operation = (typeof operation extends fc.Arbitrary<infer T> ? T : never) & {};

const nameOf = (place: string, index = 0) => `${place.replaceAll('/', '-')}-${index}`;
const textOf = (place: string, port: number, objects: number): string =>
  [
    poolYaml(nameOf(place), `198.18.${places.indexOf(place as never)}.0/24`),
    ...Array.from({ length: objects }, (_, index) => serviceYaml(nameOf(place, index), port + index)),
  ].join('---\n');

let swaps = 0;

function perform(folder: TemporaryFolder, operation: Operation): void {
  switch (operation.do) {
    case 'write':
      folder.write(`${operation.place}.yaml`, textOf(operation.place, operation.port, operation.objects));
      return;
    case 'write-half': {
      const text = textOf(operation.place, operation.port, 2);
      folder.write(`${operation.place}.yaml`, text.slice(0, (text.length * operation.share) / 10));
      return;
    }
    case 'break':
      folder.write(`${operation.place}.yaml`, 'kind: [\n');
      return;
    case 'remove':
      folder.remove(`${operation.place}.yaml`);
      return;
    case 'replace':
      folder.write(`${operation.place}.yaml.tmp`, textOf(operation.place, operation.port, 1));
      folder.move(`${operation.place}.yaml.tmp`, `${operation.place}.yaml`);
      return;
    case 'save-as-vim':
      folder.write(`${operation.place}.yaml`, textOf(operation.place, operation.port, 1));
      folder.move(`${operation.place}.yaml`, `${operation.place}.yaml~`);
      folder.write(`${operation.place}.yaml`, textOf(operation.place, operation.port, 2));
      folder.remove(`${operation.place}.yaml~`);
      return;
    case 'remove-folder':
      folder.remove(operation.folder);
      return;
    case 'move-folder':
      folder.write(`${operation.folder}/here`, '');
      folder.move(operation.folder, 'moved');
      folder.move('moved', operation.folder);
      return;
    case 'swap': {
      const name = `..${swaps++}`;
      folder.write(`map/${name}/s.yaml`, serviceYaml('swapped', operation.port));
      folder.remove('map/..data_tmp');
      folder.link(name, 'map/..data_tmp');
      folder.move('map/..data_tmp', 'map/..data');
      folder.remove('map/s.yaml');
      folder.link('..data/s.yaml', 'map/s.yaml');
      return;
    }
    case 'unswap':
      folder.remove('map/..data');
      return;
    case 'status': {
      const name = nameOf(operation.place);
      folder.write(
        `.status/services/shop/.${name}.tmp`,
        serviceStatusJson(name, `192.0.2.${operation.port}`),
      );
      folder.move(`.status/services/shop/.${name}.tmp`, `.status/services/shop/${name}.json`);
      return;
    }
    case 'remove-status':
      folder.remove(`.status/services/shop/${nameOf(operation.place)}.json`);
      return;
    case 'remove-all-status':
      folder.remove('.status');
      return;
    default:
      operation satisfies never;
  }
}

async function worldOf(folder: TemporaryFolder): Promise<World> {
  const world = emptyWorld();
  const list = await listFolder(folder.path);
  applyBatch(world, { changes: list?.changes ?? [], complete: true });
  return world;
}

/** The part of a World that comes from files, in an order of its own. */
const inForce = (world: World) => [...world.services, ...world.pools].sort(([a], [b]) => (a < b ? -1 : 1));

/** A broken file keeps what it had, of which a fresh list knows nothing: before the comparison it is mended. */
function mend(folder: TemporaryFolder, operations: readonly Operation[]): void {
  for (const operation of operations) {
    if (operation.do !== 'break' && operation.do !== 'write-half') continue;
    folder.write(`${operation.place}.yaml`, textOf(operation.place, 7, 1));
  }
}

async function comesToAgree(source: Follower, folder: TemporaryFolder): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const [actual, expected] = [inForce(source.world), inForce(await worldOf(folder))];
    const errors = source.problems().filter(({ severity }) => severity === 'error');
    if (performance.now() > deadline || (isDeepStrictEqual(actual, expected) && errors.length === 0)) {
      assert.deepEqual(errors, []);
      assert.deepEqual(actual, expected);
      return;
    }
    await sleep(20);
  }
}

function noWatch(): never {
  throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
}

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const factor = Number(process.env['FUZZ_FACTOR'] ?? 1);

for (const [how, options, runs] of [
  ['told by inotify', { rescanMilliseconds: 60_000 }, 8],
  ['found by looking', { watch: noWatch, pollMilliseconds: 15 }, 3],
] as const) {
  test(`after any changes, ${how}, the source agrees with a fresh list`, async () => {
    const property = fc.asyncProperty(
      fc.array(operation, { minLength: 10, maxLength: 60 }),
      async (operations) => {
        using folder = new TemporaryFolder();
        folder.write('a.yaml', textOf('a', 1, 2));
        await using source = await follow(folder.path, options);
        for (const operation of operations) {
          perform(folder, operation);
          if (operation.pause > 0) await sleep(operation.pause);
        }
        mend(folder, operations);
        await comesToAgree(source, folder);
      },
    );
    await fc.assert(property, { numRuns: runs * factor, seed, endOnFailure: true });
  });
}
