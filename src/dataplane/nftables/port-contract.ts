// What every nf_tables port must do, the kernel's and the fake: these tests are run on both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Element, packElements } from './elements.ts';
import { drop, follow, goTo, load, within } from './expression.ts';
import { ipv4, loadDestination, loadFrontend } from './family.ts';
import { layoutOperations, layoutRules } from './layout.ts';
import type { Expression, Operation, SetDefinition } from './operation.ts';
import type { CommitResult, NftablesPort } from './port.ts';

const plain: SetDefinition = {
  name: 'plain',
  key: ['ipv4_addr'],
  data: undefined,
  ranges: false,
  timeoutSeconds: undefined,
};
const map: SetDefinition = { ...plain, name: 'map', data: ['ipv4_addr', 'inet_service'] };
const verdicts: SetDefinition = { ...plain, name: 'verdicts', data: 'verdict' };
const ranges: SetDefinition = { ...plain, name: 'ranges', key: ['mark', 'ipv4_addr'], ranges: true };
const remembered: SetDefinition = { ...map, name: 'remembered', timeoutSeconds: 60 };

const addChain = (chain: string): Operation => ({ op: 'add-chain', chain, base: undefined });
const addRule = (chain: string, ...expressions: Expression[]): Operation => ({
  op: 'add-rule',
  chain,
  expressions,
});
const addSet = (set: SetDefinition): Operation => ({ op: 'add-set', set });
const add = (set: SetDefinition, ...elements: Element[]): Operation => ({
  op: 'add-elements',
  set: set.name,
  elements: packElements(set, elements),
});
const remove = (set: SetDefinition, ...elements: Element[]): Operation => ({
  op: 'delete-elements',
  set: set.name,
  elements: packElements(set, elements),
});

const one = '\xc0\x00\x02\x01';
const two = '\xc0\x00\x02\x02';
const endpoint = `${one}\x00\x50\x00\x00`;
const goTarget: Element = { key: one, verdict: { kind: 'goto', chain: 'target' } };
const range = (from: number, to: number): Element => ({
  key: `\x01\x00\x00\x00\xc0\x00\x02${String.fromCharCode(from)}`,
  keyEnd: `\x01\x00\x00\x00\xc0\x00\x02${String.fromCharCode(to)}`,
});

/** `use` gives each test a port without a table, and takes it back. */
export function testNftablesPort(
  name: string,
  use: (body: (port: NftablesPort) => void) => void | Promise<void>,
): void {
  const portTest = (title: string, body: (port: NftablesPort) => void): void => {
    test(`${name}: ${title}`, () => use(body));
  };

  portTest('a table with all kinds of things in it can be made and read back', (port) => {
    assert.equal(port.chains(), undefined);
    commit(port, [{ op: 'add-table' }]);
    assert.deepEqual(port.chains(), new Map());
    commit(port, [
      ...[plain, map, verdicts, ranges, remembered].map(addSet),
      addChain('target'),
      addRule('target', drop),
      addRule('target', loadDestination(ipv4, 0), within('plain', 0), drop),
      add(plain, { key: one, comment: 'shown by nft' }, { key: two }),
      add(map, { key: one, data: endpoint }),
      add(verdicts, goTarget, { key: two, verdict: { kind: 'jump', chain: 'target' } }),
      add(ranges, range(1, 9), range(10, 20)),
    ]);
    assert.deepEqual(port.chains(), new Map([['target', 2]]));
    assert.deepEqual([...port.sets()].sort(), ['map', 'plain', 'ranges', 'remembered', 'verdicts']);
    assert.deepEqual(read(port, plain), [{ key: one }, { key: two }]);
    assert.deepEqual(read(port, map), [{ key: one, data: endpoint }]);
    assert.deepEqual(read(port, verdicts), [
      goTarget,
      { key: two, verdict: { kind: 'jump', chain: 'target' } },
    ]);
    assert.deepEqual(read(port, ranges), [range(1, 9), range(10, 20)]);
    commit(port, [{ op: 'delete-table' }]);
    assert.equal(port.chains(), undefined);
  });

  portTest('what is not there, or is there already, is refused by its operation', (port) => {
    refused(port, 'ENOENT', 0, [addChain('a')]);
    commit(port, [
      { op: 'add-table' },
      addSet(plain),
      addSet(verdicts),
      addChain('a'),
      add(plain, { key: one }),
    ]);
    refused(port, 'EEXIST', 0, [{ op: 'add-table' }]);
    refused(port, 'EEXIST', 1, [addChain('b'), addChain('a')]);
    refused(port, 'EEXIST', 0, [addSet(plain)]);
    refused(port, 'EEXIST', 1, [add(plain, { key: two }), add(plain, { key: one })]);
    refused(port, 'ENOENT', 1, [add(plain, { key: two }), remove(plain, { key: '\0\0\0\0' })]);
    refused(port, 'ENOENT', 0, [add(map, { key: one, data: endpoint })]);
    refused(port, 'ENOENT', 0, [add(verdicts, goTarget)]);
    refused(port, 'ENOENT', 0, [addRule('none', drop)]);
    refused(port, 'ENOENT', 0, [addRule('a', goTo('none'))]);
    refused(port, 'ENOENT', 0, [addRule('a', loadDestination(ipv4, 0), within('none', 0))]);
    refused(port, 'ENOENT', 0, [{ op: 'delete-chain', chain: 'none' }]);
    refused(port, 'ENOENT', 0, [{ op: 'flush-chain', chain: 'none' }]);
    refused(port, 'ENOENT', 0, [{ op: 'delete-set', set: 'none' }]);
  });

  portTest('a transaction is done as a whole or not at all', (port) => {
    commit(port, [{ op: 'add-table' }, addSet(plain), add(plain, { key: one })]);
    refused(port, 'ENOENT', 3, [
      remove(plain, { key: one }),
      add(plain, { key: two }),
      addChain('a'),
      addRule('none', drop),
    ]);
    assert.deepEqual(read(port, plain), [{ key: one }]);
    assert.deepEqual(port.chains(), new Map());
  });

  portTest('an element may be replaced, and a table, within one transaction', (port) => {
    commit(port, [{ op: 'add-table' }, addSet(map), addChain('a'), add(map, { key: one, data: endpoint })]);
    commit(port, [remove(map, { key: one }), add(map, { key: one, data: `${two}\x00\x51\x00\x00` })]);
    assert.deepEqual(read(port, map), [{ key: one, data: `${two}\x00\x51\x00\x00` }]);
    commit(port, [{ op: 'delete-table' }, { op: 'add-table' }, addChain('b')]);
    assert.deepEqual(port.chains(), new Map([['b', 0]]));
  });

  portTest('what something leads to cannot be deleted', (port) => {
    commit(port, [
      { op: 'add-table' },
      addSet(plain),
      addSet(verdicts),
      addChain('target'),
      addChain('a'),
      addRule('a', loadDestination(ipv4, 0), within('plain', 0), drop),
      add(verdicts, goTarget),
    ]);
    refused(port, 'EBUSY', 0, [{ op: 'delete-chain', chain: 'target' }]);
    refused(port, 'EBUSY', 0, [{ op: 'delete-set', set: 'plain' }]);
    commit(port, [
      remove(verdicts, { key: one }),
      { op: 'delete-chain', chain: 'target' },
      { op: 'flush-chain', chain: 'a' },
      { op: 'delete-chain', chain: 'a' },
      { op: 'delete-set', set: 'plain' },
    ]);
    assert.deepEqual(port.sets(), ['verdicts']);
  });

  portTest('a range that begins or ends in another is refused', (port) => {
    commit(port, [{ op: 'add-table' }, addSet(ranges), add(ranges, range(10, 20))]);
    for (const overlapping of [range(5, 10), range(15, 30), range(12, 13)])
      assert.equal(port.commit([add(ranges, overlapping)]).ok, false);
    commit(port, [add(ranges, range(21, 30), range(1, 9)), remove(ranges, range(10, 20))]);
    assert.deepEqual(read(port, ranges), [range(1, 9), range(21, 30)]);
  });

  portTest('rules must use sets as what they are', (port) => {
    commit(port, [{ op: 'add-table' }, ...[plain, map, verdicts, remembered].map(addSet), addChain('a')]);
    refused(port, 'EINVAL', 0, [addRule('a', loadDestination(ipv4, 0), load('plain', 0, 8))]);
    refused(port, 'EINVAL', 0, [addRule('a', loadDestination(ipv4, 0), follow('map', 0))]);
    commit(port, [
      addRule('a', loadDestination(ipv4, 0), load('map', 0, 8)),
      addRule('a', loadDestination(ipv4, 0), follow('verdicts', 0)),
      addRule('a', ...loadFrontend(ipv4, 0), {
        op: 'update-element',
        set: 'remembered',
        key: 0,
        data: 1,
        timeoutSeconds: 5,
      }),
    ]);
    assert.equal(port.chains()?.get('a'), 3);
  });

  portTest('the layout is accepted, and is what is read back', (port) => {
    commit(port, layoutOperations);
    const chains = port.chains();
    assert.ok(chains);
    for (const [chain, rules] of layoutRules) assert.equal(chains.get(chain), rules ?? 0, chain);
    assert.equal(chains.size, layoutRules.size);
  });

  portTest('a set of many elements survives the way there and back', (port) => {
    const elements = Array.from({ length: 5000 }, (_, index): Element => {
      const key = String.fromCharCode(198, 18, index >> 8, index & 255);
      return { key, data: `${key}\x00\x50\x00\x00` };
    });
    commit(port, [{ op: 'add-table' }, addSet(map), add(map, ...elements)]);
    assert.deepEqual(read(port, map), elements);
  });

  portTest('the generation moves with each transaction, and with none that was refused', (port) => {
    const before = port.generation();
    commit(port, [{ op: 'add-table' }]);
    assert.equal(port.generation(), before + 1);
    port.commit([{ op: 'add-table' }]);
    assert.equal(port.generation(), before + 1);
  });
}

function commit(port: NftablesPort, operations: readonly Operation[]): void {
  assert.deepEqual(port.commit(operations), { ok: true });
}

function refused(
  port: NftablesPort,
  code: string,
  operation: number,
  operations: readonly Operation[],
): void {
  const result: CommitResult = port.commit(operations);
  assert.ok(!result.ok, `${JSON.stringify(operations)} was not refused`);
  assert.deepEqual([result.code, result.operation], [code, operation], result.detail);
}

const read = (port: NftablesPort, set: SetDefinition): Element[] =>
  [...port.elements(set)].flat().sort((a, b) => (a.key < b.key ? -1 : 1));
