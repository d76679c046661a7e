// The definitions can be explained, can be read by the API server, fit what is written, and agree with the parser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ObjectProblem } from '../../model/problem.ts';
import type { StatusObject } from '../../model/status.ts';
import { hasError } from '../field-problem.ts';
import { kinds } from '../kinds.ts';
import { parseObject } from '../parse-object.ts';
import { isRecord, type RawObject } from '../record.ts';
import { configurationState, poolStatus, serviceL2Status } from '../status.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { defaulted, serverRefusals } from './fake-api-server.ts';
import { edgeObjects, fullObjects } from './sample-objects.ts';
import { servedKinds } from './served-kinds.ts';
import type { StructuralSchema } from './structural-schema.ts';

const definitions = servedKinds.map(customResourceDefinition);

const versions = definitions.flatMap((definition) =>
  definition.spec.versions.map((version) => ({
    kind: definition.spec.names.kind,
    apiVersion: `${definition.spec.group}/${version.name}`,
    schema: version.schema.openAPIV3Schema,
  })),
);

/** A schema and all within it, each with its path. */
function schemasIn(schema: StructuralSchema, path: string): (readonly [string, StructuralSchema])[] {
  const { properties = {}, items, additionalProperties } = schema;
  const inner = Object.entries(properties).flatMap(([name, part]) => schemasIn(part, `${path}.${name}`));
  const others = [items, additionalProperties].flatMap((part) =>
    part === undefined ? [] : schemasIn(part, `${path}[]`),
  );
  return [[path, schema], ...inner, ...others];
}

const everySchema = versions.flatMap(({ kind, apiVersion, schema }) =>
  schemasIn(schema, `${apiVersion} ${kind}`),
);

test('all nine kinds of MetalLB are defined, and each version that the parser reads', () => {
  assert.equal(definitions.filter(({ spec }) => spec.group === 'metallb.io').length, 9);
  const defined = versions.map(({ kind, apiVersion }) => `${kind} ${apiVersion}`);
  for (const [kind, { apiVersions, plural }] of Object.entries(kinds)) {
    for (const version of apiVersions.filter((each) => each.startsWith('metallb.io/'))) {
      assert.ok(defined.includes(`${kind} ${version}`), `${kind} ${version}`);
      assert.ok(definitions.some(({ metadata }) => metadata.name === `${plural}.metallb.io`));
    }
  }
});

test('no two kinds share a name of any sort, and one version of each is stored', () => {
  const names = definitions.flatMap(({ spec }) => [
    spec.names.plural,
    spec.names.singular,
    ...spec.names.shortNames,
  ]);
  assert.equal(new Set(names).size, names.length);
  for (const { spec } of definitions) assert.equal(spec.versions.filter(({ storage }) => storage).length, 1);
});

test('every field has a description that is a sentence, so that kubectl explain has something to say', () => {
  const named = everySchema.filter(([path]) => !path.endsWith('[]') && !path.endsWith('.metadata'));
  const silent = named.filter(([, { description = '' }]) => !/^[A-Z].*\.$/.test(description));
  assert.deepEqual(silent, []);
});

test('patterns are such that RE2 can read them', () => {
  for (const [path, { pattern = '' }] of everySchema) {
    assert.doesNotMatch(pattern, /\(\?[=!<]|\\[1-9u]/, path);
  }
});

test('lists of the configuration are replaced as a whole, as in the definitions that MetalLB leaves behind', () => {
  for (const [path, schema] of everySchema) {
    if (schema.type !== 'array' || !path.includes('.spec')) continue;
    assert.equal(schema['x-kubernetes-list-type'], 'atomic', path);
  }
});

test('what Gantry reports fits the definitions', () => {
  const problem: ObjectProblem = {
    file: '',
    line: undefined,
    kind: 'IPAddressPool',
    namespace: 'gantry-system',
    name: 'a',
    field: 'spec',
    value: '',
    rule: 'It is odd.',
    severity: 'error',
  };
  const about = { node: 'n', namespace: 'shop', name: 'web', interfaces: ['eth0'], why: 'Elected.' };
  const counts = { assignedIPv4: 1n, assignedIPv6: 0n, availableIPv4: 2n, availableIPv6: 1n << 64n };
  const state = { component: 'agent', node: 'n', since: '2026-01-01T00:00:00.000Z' } as const;
  const pool = poolStatus({ namespace: 'gantry-system', name: 'a', ...counts });
  const reports: StatusObject[] = [
    serviceL2Status(about),
    configurationState({ ...state, problems: [problem] }),
    configurationState({ ...state, problems: undefined }),
    { ...pool, spec: { addresses: ['192.0.2.0/24'] } },
  ];
  for (const report of reports) {
    assert.deepEqual(serverRefusals({ ...report }), [], report.kind);
    const { schema } = versions.find(({ kind }) => kind === report.kind) ?? {};
    assert.ok(schema !== undefined);
    const stored = defaulted(schema, report);
    assert.deepEqual(
      isRecord(stored) && stored['status'],
      report['status'],
      `${report.kind}: nothing dropped`,
    );
  }
});

test('an object with every field is accepted by the schema and by the parser, and keeps its fields', () => {
  for (const raw of fullObjects) {
    assert.deepEqual(serverRefusals(raw), []);
    assert.deepEqual(
      parseObject(raw).problems.filter(({ severity }) => severity === 'error'),
      [],
    );
    const { schema } =
      versions.find(({ kind, apiVersion }) => kind === raw['kind'] && apiVersion === raw['apiVersion']) ?? {};
    assert.ok(schema?.properties?.['spec'] !== undefined);
    assert.deepEqual(defaulted(schema.properties['spec'], raw['spec']), raw['spec']);
    const given = Object.keys(isRecord(raw['spec']) ? raw['spec'] : {});
    const known = Object.keys(schema.properties['spec'].properties ?? {});
    assert.deepEqual(
      known.filter((name) => !given.includes(name) && !['peerASN', 'peerAddress', 'password'].includes(name)),
      [],
      'the samples have every field',
    );
  }
});

test('what is barely allowed is accepted by the schema and by the parser', () => {
  for (const raw of edgeObjects) {
    assert.deepEqual(serverRefusals(raw), [], JSON.stringify(raw['spec']));
    assert.equal(hasError(parseObject(raw).problems), false, JSON.stringify(raw['spec']));
  }
});

/** Every path in a value, the root's left out. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const inner: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : isRecord(value)
      ? Object.entries(value)
      : [];
  return inner.flatMap(([step, child]) => [[...path, step], ...pathsOf(child, [...path, step])]);
}

function replaced(value: unknown, path: readonly (string | number)[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  const copy: object = Array.isArray(value) ? [...value] : { ...(value as object) };
  Reflect.set(copy, step, replaced(Reflect.get(copy, step), rest, by));
  return copy;
}

const strange = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    '',
    'a',
    'A',
    '-',
    'eth0',
    '..',
    '...',
    'a b',
    '64512:1',
    'large:1:2:3',
    '1:2:3',
    'vpn',
  ),
  fc.constantFrom<unknown>(
    '0s',
    '3s',
    '2.9s',
    '1h5m',
    '65535s',
    '65536s',
    '1500ms',
    '9µs',
    '-3s',
    '3',
    'internal',
  ),
  fc.constantFrom<unknown>(
    '192.0.2.1',
    '2001:db8::1',
    '::ffff:192.0.2.1',
    'fe80::1%eth0',
    '192.0.2.01',
    '::',
  ),
  fc.constantFrom<unknown>(0, 1, 2, 10, 32, 33, 100, 128, 254, 255, 64_512, 2 ** 32 - 1, 2 ** 32, -1, 1.5),
  fc.constantFrom<unknown>(null, true, false, [], {}, [''], ['a', 'a'], [null], { a: 'b' }),
  fc.ipV4(),
  fc.ipV6(),
);

/** An object with every field, of which a few are replaced or gone. */
const mutant: fc.Arbitrary<RawObject> = fc.constantFrom(...fullObjects).chain((raw) =>
  fc
    .array(fc.tuple(fc.constantFrom(...pathsOf(raw['spec'])), strange), { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<unknown>((spec, [path, by]) => replaced(spec, path, by), raw['spec']))
    .map((spec) => ({ ...raw, spec })),
);

/** What only the parser can judge, so that the webhook is needed. */
const parserOnly =
  /CIDR|every address|overlaps|one family|reversed|single address|contains .* addresses|label key|up to 65535|given twice|either peerAddress|peerASN or dynamicASN/;

test('what the parser accepts the schema accepts, and what the schema accepts only rules named here refuse', () => {
  fc.assert(
    fc.property(mutant, (raw) => {
      const errors = parseObject(raw).problems.filter(({ severity }) => severity === 'error');
      const refusals = serverRefusals(raw);
      if (!hasError(errors)) assert.deepEqual(refusals, []);
      if (refusals.length > 0) return;
      for (const { rule, path } of errors) assert.match(rule, parserOnly, path.join('.'));
    }),
    { numRuns: 2000 },
  );
});
