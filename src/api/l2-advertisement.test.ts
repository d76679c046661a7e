// L2Advertisements: every selector of the reference, and what an interface can be called.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPath } from './field-problem.ts';
import { parseL2Advertisement } from './l2-advertisement.ts';

const parse = (spec?: unknown, annotations?: Record<string, string>) =>
  parseL2Advertisement({
    apiVersion: 'metallb.io/v1beta1',
    kind: 'L2Advertisement',
    metadata: { name: 'lan', labels: { a: 'b' }, annotations },
    ...(spec === undefined ? {} : { spec }),
  });

test('without a spec, all pools are advertised on all nodes and interfaces', () => {
  const everything = {
    name: 'lan',
    labels: { a: 'b' },
    pools: [],
    poolSelectors: [],
    nodeSelectors: [],
    interfaces: [],
    serviceSelectors: [],
    preferredNodeSelectors: [],
    spread: false,
  };
  assert.deepEqual(parse(), { object: everything, problems: [] });
  assert.deepEqual(parse(null), { object: everything, problems: [] });
  assert.deepEqual(parse({}), { object: everything, problems: [] });
});

test('all fields are read', () => {
  const selector = { matchLabels: { a: 'b' }, matchExpressions: [] };
  const { object, problems } = parse({
    ipAddressPools: ['public'],
    ipAddressPoolSelectors: [{ matchLabels: { a: 'b' } }],
    nodeSelectors: [{ matchLabels: { a: 'b' } }],
    interfaces: ['eth0', 'bond0.100'],
    serviceSelectors: [{ matchLabels: { a: 'b' } }],
    preferredNodeSelectors: [{ weight: 100, preference: { matchLabels: { a: 'b' } } }],
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(object, {
    name: 'lan',
    labels: { a: 'b' },
    pools: ['public'],
    poolSelectors: [selector],
    nodeSelectors: [selector],
    interfaces: ['eth0', 'bond0.100'],
    serviceSelectors: [selector],
    preferredNodeSelectors: [{ weight: 100, preference: selector }],
    spread: false,
  });
});

test('an annotation spreads addresses over nodes; any other value than true and false is refused', () => {
  const spread = (value: string) => parse({}, { 'gantry.dev/spread': value });
  assert.equal(spread('true').object?.spread, true);
  assert.deepEqual([spread('false').object?.spread, spread('false').problems], [false, []]);
  for (const value of ['yes', 'True', '', '3']) {
    const { object, problems } = spread(value);
    assert.equal(object, undefined);
    assert.deepEqual(
      problems.map(({ path, rule }) => `${formatPath(path)}: ${rule}`),
      [
        'metadata.annotations["gantry.dev/spread"]: This must be "true", to spread addresses over nodes, or "false".',
      ],
    );
  }
  const { object, problems } = parse({}, { 'gantry.dev/spraed': 'true' });
  assert.equal(object?.spread, false);
  assert.match(problems[0]?.rule ?? '', /no effect. Did you mean gantry.dev\/spread\?/);
});

test('interfaces and weights out of range are refused', () => {
  const fieldsOf = (spec: unknown) => parse(spec).problems.map(({ path }) => formatPath(path));
  for (const name of ['', 'a/b', 'a b', '..', 'sixteen-letters-']) {
    assert.deepEqual(fieldsOf({ interfaces: ['eth0', name] }), ['spec.interfaces[1]'], name);
  }
  for (const weight of [0, 101, 1.5, '1']) {
    const preferred = [{ weight, preference: {} }];
    assert.deepEqual(fieldsOf({ preferredNodeSelectors: preferred }), [
      'spec.preferredNodeSelectors[0].weight',
    ]);
  }
  assert.deepEqual(fieldsOf({ nodeSelectors: [{ matchExpressions: [{ key: 'a', operator: 'in' }] }] }), [
    'spec.nodeSelectors[0].matchExpressions[0].operator',
  ]);
});
