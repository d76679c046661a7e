// Manifest files: documents, lists, broken text, and the lines that problems name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatProblem } from '../model/problem.ts';
import { lineIn, type Manifest, type ManifestFormat, rawObjects, readManifest } from './manifest.ts';
import { idOf } from './parse-object.ts';

function read(text: string, format: ManifestFormat = 'yaml'): Manifest {
  const reading = readManifest('file.yaml', text, format);
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
  }
}

const ids = (manifest: Manifest) => manifest.objects.map(({ identity }) => idOf(identity));

/** Of objects and of the file, as `line: field: rule`. */
const problems = (manifest: Manifest) =>
  [...manifest.problems, ...manifest.objects.flatMap((object) => object.problems)].map(
    ({ line, field, rule }) => `${line}: ${field}: ${rule}`,
  );

const service = (name: string) => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  ports:
  - port: 80
`;

test('a file may hold many documents, empty ones and comments among them', () => {
  const manifest = read(`# first\n---\n${service('a')}---\n\n--- # more\n${service('b')}---\n# end\n`);
  assert.deepEqual(ids(manifest), ['Service default/a', 'Service default/b']);
  assert.equal(manifest.whole, true);
  assert.deepEqual(problems(manifest), []);
});

test('line ends may be those of DOS', () => {
  const manifest = read(`${service('a')}---\n${service('b')}`.replaceAll('\n', '\r\n'));
  assert.deepEqual(ids(manifest), ['Service default/a', 'Service default/b']);
});

test('dashes inside a text do not end a document', () => {
  const manifest = read(`${service('a')}  # ---\n  selector:\n    a: "b---"\n    c: d---\n---x: 1\n`);
  assert.equal(manifest.objects.length + manifest.problems.length, 1);
});

test('lists are taken apart, and items of a typed list may leave out their kind', () => {
  const item = { metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } };
  const whole = { apiVersion: 'v1', kind: 'Service', ...item };
  const typed = read(JSON.stringify({ apiVersion: 'v1', kind: 'ServiceList', items: [item] }), 'json');
  assert.deepEqual(ids(typed), ['Service default/a']);
  const nested = { kind: 'List', items: [{ kind: 'List', items: [whole] }] };
  assert.deepEqual(ids(read(JSON.stringify(nested), 'json')), ['Service default/a']);
  assert.deepEqual(problems(read(JSON.stringify({ kind: 'List', items: [] }), 'json')), []);
});

test('one broken document stands aside alone, with its line', () => {
  const manifest = read(`${service('a')}---\nkind: [1,\nb: 2\n---\n${service('c')}`);
  assert.deepEqual(ids(manifest), ['Service default/a', 'Service default/c']);
  assert.equal(manifest.whole, false);
  assert.equal(manifest.problems.length, 1);
  assert.match(problems(manifest)[0] ?? '', /^10: : This is not valid YAML/);
});

test('a problem names the line of its field, in later documents and in lists too', () => {
  const text = `${service('a')}---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: b}
  spec:
    ports:
    - port: 80
      protocl: TCP
    - {name: x, port: 99999}
`;
  assert.deepEqual(
    problems(read(text)).map((line) => line.split(': ').slice(0, 2)),
    [
      ['19', 'spec.ports[1].port'],
      ['18', 'spec.ports[0].protocl'],
    ],
  );
});

test('a missing field is placed at what should hold it', () => {
  const manifest = read(
    'apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p}\nspec:\n  autoAssign: true\n',
  );
  assert.match(problems(manifest)[0] ?? '', /^4: spec\.addresses: This field is required/);
});

test('broken JSON names its line', () => {
  const manifest = read('{\n"kind": "List",\n"items": [}\n', 'json');
  assert.match(problems(manifest)[0] ?? '', /^3: : This is not valid JSON/);
});

test('a problem with everything known reads as one line', () => {
  const [problem] = read(service('a').replace('80', '99999')).objects.flatMap((object) => object.problems);
  assert.ok(problem);
  assert.equal(
    formatProblem(problem),
    'file.yaml:7: Service a: spec.ports[0].port: 99999: This must be at most 65535.',
  );
});

test('a field given twice, and an object given twice, are errors', () => {
  assert.match(problems(read('kind: Service\nkind: Pod\n'))[0] ?? '', /^2: : The field kind is given twice/);
  assert.match(problems(read('? {a: b}\n: c\n'))[0] ?? '', /must be plain text/);
  const twice = read(`${service('a')}---\n${service('a')}`);
  assert.deepEqual(ids(twice), ['Service default/a']);
  assert.match(problems(twice)[0] ?? '', /^12: : The same object is in this file at line 4/);
});

test('values that are no objects are errors', () => {
  for (const text of ['a', '3', '- a\n- b\n', '[]', 'true']) {
    const manifest = read(text);
    assert.equal(manifest.whole, false, text);
    assert.match(problems(manifest)[0] ?? '', /object with apiVersion/);
  }
});

test('anchors, aliases and merged fields are understood', () => {
  const manifest = read(`apiVersion: v1
kind: List
items:
- &a
  apiVersion: v1
  kind: Service
  metadata: {name: a}
  spec: &spec {ports: [{port: 80}]}
- <<: *a
  metadata: {name: b}
- {apiVersion: v1, kind: Service, metadata: {name: c}, spec: *spec}
`);
  assert.deepEqual(ids(manifest), ['Service default/a', 'Service default/b', 'Service default/c']);
  assert.deepEqual(problems(manifest), []);
});

test('aliases that grow without bound, lead to themselves or to nothing are errors', () => {
  const names = [...'abcdefghi'];
  const bomb = names.map((name, index) => {
    const inner = index === 0 ? 'x' : `*${names[index - 1]}`;
    return `${name}: &${name} [${Array(9).fill(inner).join(', ')}]`;
  });
  for (const text of [bomb.join('\n'), 'a: *b', '&a\nkind: *a\nspec: [*a]']) {
    const manifest = read(text);
    assert.equal(manifest.objects.length, 0);
    assert.equal(manifest.problems.length, 1, text);
  }
});

test('a document without end of nesting is an error, not a crash', () => {
  for (const text of ['['.repeat(5000), '- '.repeat(5000), '{a: '.repeat(5000)]) {
    assert.equal(read(text).problems.length, 1);
  }
  assert.equal(read(`[${'['.repeat(5000)}${']'.repeat(5000)}]`, 'json').problems.length, 1);
});

test('a YAML document beyond the limit is refused, while its neighbours are read', () => {
  const manifest = read(`${service('a')}---\nkind: ${'x'.repeat(5 * 1024 * 1024)}\n---\n${service('b')}`);
  assert.deepEqual(ids(manifest), ['Service default/a', 'Service default/b']);
  assert.match(problems(manifest)[0] ?? '', /^8: : A YAML document must be smaller than 4 MiB/);
});

test('the raw form of an object gives the same object again', () => {
  const text = `${service('a')}---\nkind: [\n---\n${service('b')}`;
  const raws = [...rawObjects(text, 'yaml')].map(({ raw }) => raw);
  const again = read(JSON.stringify({ kind: 'List', items: raws }), 'json');
  assert.deepEqual(
    again.objects.map(({ parsed }) => parsed.change),
    read(text).objects.map(({ parsed }) => parsed.change),
  );
});

test('a field can be placed afterwards, unless its document is gone', () => {
  const text = `${service('a')}---\n${service('b')}`;
  assert.equal(lineIn(text, 'yaml', { document: 1, path: [] }, ['spec', 'ports', 0, 'port']), 15);
  assert.equal(lineIn(text, 'yaml', { document: 1, path: [] }, ['spec', 'type']), 13);
  assert.equal(lineIn(text, 'yaml', { document: 2, path: [] }, []), undefined);
});

test('no text makes the reader throw', () => {
  const piece = fc.constantFrom(
    '---',
    '\n',
    '- ',
    ': ',
    'kind',
    'Service',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '"',
    "'",
  );
  const more = fc.constantFrom(
    '|',
    '>',
    '#',
    '%YAML 1.2',
    '...',
    '\t',
    '\r',
    '\u2028',
    '!!map',
    '? ',
    '<<: ',
    '0x',
  );
  const text = fc.array(fc.oneof(piece, more, fc.string({ unit: 'binary', maxLength: 8 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, fc.constantFrom<ManifestFormat>('yaml', 'json'), (pieces, format) => {
      read(pieces.join(''), format);
    }),
    { numRuns: 500 },
  );
});
