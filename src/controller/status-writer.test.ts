// Statuses are written in an order that never lets two of them claim one address, and until they are written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from './clock.ts';
import { StaleDecision, StatusWriter } from './status-writer.ts';

/** A disk on which each write takes until it is let go, and may fail. */
class Disk {
  readonly statuses = new Map<string, readonly string[]>();
  readonly pending: { id: string; claims: readonly string[]; finish: (failing?: boolean) => void }[] = [];
  readonly history: string[] = [];

  write(id: string, claims: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (failing = false): void => {
        this.pending.splice(this.pending.indexOf(operation), 1);
        if (failing) {
          reject(new Error('the disk is full'));
          return;
        }
        this.statuses.set(id, claims);
        this.history.push(`${id}: ${claims.join(' ')}`);
        resolve();
      };
      const operation = { id, claims, finish };
      this.pending.push(operation);
    });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets every write succeed at once until there is none. */
async function settle(disk: Disk): Promise<void> {
  for (await turn(); disk.pending.length > 0; await turn())
    for (const each of [...disk.pending]) each.finish();
}

function scene(sleeps: { readonly milliseconds: number; readonly wake: () => void }[] = []) {
  const disk = new Disk();
  const told: string[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (milliseconds) => new Promise((resolve) => sleeps.push({ milliseconds, wake: resolve })),
  };
  const writer = new StatusWriter({
    clock,
    failed: (id, error, attempt) => told.push(`${id} failed ${attempt}: ${error}`),
    recovered: (id) => told.push(`${id} recovered`),
  });
  const put = (id: string, ...claims: string[]): void =>
    writer.put(id, { claims, write: (allowed) => disk.write(id, allowed) });
  return { disk, writer, put, told, sleeps };
}

test('of several statuses put while one is being written, only the newest is written', async () => {
  const { disk, put } = scene();
  put('a', '1');
  put('a', '2');
  put('a', '3');
  await settle(disk);
  assert.deepEqual(disk.history, ['a: 1', 'a: 3']);
});

test('an address is given up durably before another claims it', async () => {
  const { disk, writer, put } = scene();
  writer.assume('old', ['1']);
  writer.hold();
  put('new', '1');
  put('old', '2');
  writer.release();
  await turn();
  assert.deepEqual(
    disk.pending.map(({ id }) => id),
    ['old'],
  );
  await settle(disk);
  assert.deepEqual(disk.history, ['old: 2', 'new: 1']);
});

test('two that swap their addresses both give theirs up first', async () => {
  const { disk, writer, put } = scene();
  writer.assume('a', ['1', '3']);
  writer.assume('b', ['2']);
  writer.hold();
  put('a', '2', '3');
  put('b', '1');
  writer.release();
  await settle(disk);
  assert.equal(disk.history[0], 'a: 3');
  assert.deepEqual(Object.fromEntries(disk.statuses), { a: ['2', '3'], b: ['1'] });
});

test('those who share an address do not wait for each other', async () => {
  const { disk, writer, put } = scene();
  writer.assume('a', ['1']);
  put('b', '1');
  put('a', '1');
  await turn();
  assert.equal(disk.pending.length, 2);
});

test('what fails is tried again, later each time, while others go on', async () => {
  const { disk, put, told, sleeps } = scene();
  put('bad', '1');
  put('good', '2');
  disk.pending.find(({ id }) => id === 'bad')?.finish(true);
  await settle(disk);
  assert.deepEqual(disk.history, ['good: 2']);
  for (let attempt = 2; attempt < 12; attempt += 1) {
    sleeps.at(-1)?.wake();
    await turn();
    disk.pending[0]?.finish(attempt < 11);
    await turn();
  }
  assert.deepEqual(disk.statuses.get('bad'), ['1']);
  assert.deepEqual(
    sleeps.map(({ milliseconds }) => milliseconds),
    [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000],
  );
  assert.equal(told[0], 'bad failed 1: Error: the disk is full');
  assert.equal(told.at(-1), 'bad recovered');
});

test('a decision that is stale is no failure: what is decided next is written soon', async () => {
  const sleeps: { readonly milliseconds: number; readonly wake: () => void }[] = [];
  const { writer, disk, put, told } = scene(sleeps);
  writer.put('a', { claims: ['1'], write: () => Promise.reject(new StaleDecision()) });
  await turn();
  put('a', '2');
  assert.deepEqual(disk.pending, []);
  assert.ok((sleeps[0]?.milliseconds ?? Infinity) < 50);
  sleeps[0]?.wake();
  await settle(disk);
  assert.deepEqual(disk.history, ['a: 2']);
  assert.deepEqual(told, []);
});

test('one that goes on being stale is told of in the end', async () => {
  const sleeps: { readonly milliseconds: number; readonly wake: () => void }[] = [];
  const { writer, told } = scene(sleeps);
  writer.put('a', { claims: ['1'], write: () => Promise.reject(new StaleDecision()) });
  for (let tries = 0; tries < 7; tries += 1) {
    await turn();
    sleeps[tries]?.wake();
  }
  await turn();
  assert.match(told.join(), /^a failed 1: .*changes all the time/);
});

test('an address whose old status cannot be rewritten is not claimed by another', async () => {
  const { disk, writer, put, sleeps } = scene();
  writer.assume('old', ['1']);
  put('old');
  put('new', '1');
  disk.pending[0]?.finish(true);
  await turn();
  assert.deepEqual(disk.pending, []);
  sleeps[0]?.wake();
  await settle(disk);
  assert.deepEqual(disk.history, ['old: ', 'new: 1']);
});

test('closing waits for what is under way and begins nothing more', async () => {
  const { disk, writer, put } = scene();
  put('a', '1');
  put('a', '2');
  const closed = writer[Symbol.asyncDispose]();
  let isClosed = false;
  void closed.then(() => {
    isClosed = true;
  });
  await turn();
  assert.equal(isClosed, false);
  disk.pending[0]?.finish();
  await closed;
  assert.deepEqual(disk.history, ['a: 1']);
});

test('whatever the plans, the failures and the order of the disk: at no instant do two statuses claim one address', async () => {
  const owner = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    { weight: 2, arbitrary: fc.record({ plan: fc.dictionary(fc.constantFrom('1', '2', '3'), owner) }) },
    { weight: 5, arbitrary: fc.record({ finish: fc.nat(5), failing: fc.integer({ min: 0, max: 4 }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const { disk, writer, put, sleeps } = scene();
      let plan: Record<string, string> = {};
      const claimsOf = (id: string): string[] =>
        Object.entries(plan).flatMap(([address, to]) => (to === id ? [address] : []));
      const check = (): void => {
        // What is being written may be on the disk already, should the machine stop now.
        const claimed = [...disk.statuses, ...disk.pending.map(({ id, claims }) => [id, claims] as const)];
        const by = new Map<string, string>();
        for (const [id, claims] of claimed)
          for (const claim of claims) {
            assert.equal(by.get(claim) ?? id, id, `two claim ${claim}`);
            by.set(claim, id);
          }
      };
      for (const each of steps) {
        if ('plan' in each) {
          plan = each.plan;
          writer.hold();
          for (const id of ['a', 'b', 'c', 'd']) put(id, ...claimsOf(id));
          writer.release();
        } else disk.pending[each.finish % Math.max(1, disk.pending.length)]?.finish(each.failing === 0);
        await turn();
        check();
      }
      for (let round = 0; round < 10; round += 1) {
        for (const { wake } of sleeps.splice(0)) wake();
        await settle(disk);
        check();
      }
      for (const id of ['a', 'b', 'c', 'd'])
        assert.deepEqual([...(disk.statuses.get(id) ?? [])].sort(), claimsOf(id).sort());
    }),
    { numRuns: 150 },
  );
});
