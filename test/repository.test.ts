// The house rules, as tests: what may import what, where FFI may appear, and that everything public is documented.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { basename, dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = (pattern: string): string[] => globSync(pattern, { cwd: root }).sort();
const product = files('src/**/*.ts').filter((path) => !path.endsWith('.test.ts'));

/** What each file imports, as paths from the root; packages keep their names. Dynamic imports count too. */
const imports = new Map(
  product.map((path) => {
    const found = read(path).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g);
    const targets = [...found].map((match) => match[1] ?? '');
    return [
      path,
      targets.map((to) => (to.startsWith('.') ? normalize(join(dirname(path), to)) : to)),
    ] as const;
  }),
);

const folderOf = (path: string): string => (path === 'src/main.ts' ? 'cli' : (path.split('/')[1] ?? ''));

/** The folders of src/ that each may import, besides itself and collections. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  collections: [],
  model: [],
  api: ['model'],
  ipam: ['model'],
  announce: ['model'],
  dataplane: ['model'],
  sources: ['model', 'api', 'kubernetes'],
  linux: ['model'],
  kubernetes: ['model'],
  observe: ['model'],
  controller: ['model', 'api', 'ipam', 'sources', 'kubernetes', 'linux', 'observe'],
  pulse: ['model', 'announce', 'dataplane', 'linux', 'observe'],
  agent: ['model', 'api', 'announce', 'dataplane', 'sources', 'kubernetes', 'linux', 'observe', 'pulse'],
};

/** Files below a planner's folder that are its effect layer, and so may touch the kernel. */
const isEffectLayer = (path: string): boolean =>
  /^src\/announce\/membership\/session/.test(path) || /^src\/dataplane\/nftables\/(kernel|apply)/.test(path);

test('imports follow the dependency direction', () => {
  const wrong: string[] = [];
  for (const [path, targets] of imports) {
    const from = folderOf(path);
    const allowed = mayImport[from];
    if (allowed === undefined) continue; // cli may import everything
    for (const target of targets.filter((target) => target.startsWith('src/'))) {
      const to = folderOf(target);
      const effect = isEffectLayer(path) && (to === 'linux' || to === 'observe');
      if (to !== from && to !== 'collections' && !allowed.includes(to) && !effect)
        wrong.push(`${path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('no import cycles', () => {
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(path), `cycle: ${[...trail, path].join(' → ')}`);
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) if (imports.has(target)) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of product) visit(path, []);
});

test('only src/linux uses FFI', () => {
  const users = [...imports].filter(([, targets]) => targets.includes('koffi')).map(([path]) => path);
  assert.ok(users.length > 0);
  assert.deepEqual(
    users.filter((path) => !path.startsWith('src/linux/')),
    [],
  );
});

test('only src/kubernetes knows the paths of the API', () => {
  const users = product.filter((path) => /['"`]\/apis?\//.test(read(path)));
  assert.ok(users.length > 0);
  assert.deepEqual(
    users.filter((path) => !path.startsWith('src/kubernetes/')),
    [],
  );
});

test('only commands log in by plug-ins, and only that loads the official client', () => {
  const importers = (target: string): string[] =>
    [...imports].filter(([, targets]) => targets.includes(target)).map(([path]) => path);
  const login = 'src/kubernetes/access/plugin-access.ts';
  assert.deepEqual(importers('@kubernetes/client-node'), [login]);
  assert.deepEqual(
    importers(login).filter((path) => folderOf(path) !== 'cli'),
    [],
  );
});

test('planners have no clock, no randomness and no logger', () => {
  const pure = product.filter(
    (path) => /^src\/(model|ipam|announce|dataplane)\//.test(path) && !isEffectLayer(path),
  );
  const impure =
    /\bDate\.now\b|\bperformance\.now\b|\bprocess\.hrtime\b|\bMath\.random\b|\bsetTimeout\b|\bconsole\./;
  assert.deepEqual(
    pure.filter((path) => impure.test(read(path))),
    [],
  );
});

test('every file begins with a comment that says what it is for', () => {
  const all = [...files('{src,lab,test,bench,image,scripts}/**/*.ts')];
  const bare = all.filter((path) => !/^(#!.*\n)?(\/\/|\/\*)/.test(read(path)));
  assert.deepEqual(bare, []);
});

test('file names are kebab-case nouns, and there is no utils', () => {
  const all = files('{src,lab,test,bench,image,scripts}/**/*.ts').map((path) =>
    basename(path).replace(/\.d\.ts$/, '.ts'),
  );
  assert.deepEqual(
    all.filter(
      (name) =>
        !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.property\.test)?\.ts$/.test(name) ||
        /^(utils?|helpers?)\./.test(name),
    ),
    [],
  );
});

test('every reason has its sentence, which tells what to do', () => {
  const reasonFiles = product.filter((path) => path.endsWith('/reason.ts') && path !== 'src/model/reason.ts');
  assert.ok(reasonFiles.length >= 3);
  for (const path of reasonFiles) {
    const text = read(path);
    const kinds = [...text.matchAll(/readonly kind: '([a-z0-9-]+)'/g)].map((match) => match[1]);
    assert.ok(kinds.length > 0, `${path} has no reasons`);
    for (const kind of kinds) {
      assert.match(text, new RegExp(`\\n\\s+'?${kind}'?: \\(`), `${path}: ${kind} has no sentence`);
    }
  }
});

test('every command is in the table of README.md and in docs/commands.md', () => {
  const names = [...read('src/main.ts').matchAll(/(\w+)Command\b/g)].map((match) => match[1]);
  assert.ok(names.length >= 8);
  for (const name of new Set(names)) {
    assert.match(
      read('README.md'),
      new RegExp(`gantry ${name}\\b`),
      `README.md does not name gantry ${name}`,
    );
    assert.match(
      read('docs/commands.md'),
      new RegExp(`gantry ${name}\\b`),
      `docs/commands.md does not name gantry ${name}`,
    );
  }
});

test('every metric is in docs/metrics.md', () => {
  const documented = read('docs/metrics.md');
  const names = new Set(
    product.flatMap((path) => read(path).match(/(?<=')(?:metallb|gantry)_[a-z0-9_]+(?=')/g) ?? []),
  );
  assert.ok(names.size > 5);
  for (const name of names) assert.ok(documented.includes(name), `docs/metrics.md does not name ${name}`);
});

test('addresses in the repository are documentation addresses', () => {
  const allowed =
    /^(192\.0\.2|198\.51\.100|203\.0\.113|198\.1[89]\.\d+|127\.0\.0|0\.0\.0|255\.255\.\d+|224\.0\.0)\./;
  const found: string[] = [];
  for (const path of files('{src,lab,test,bench,image,scripts,deploy,examples,docs}/**/*.{ts,md,yaml,sh}')) {
    for (const match of read(path).matchAll(/(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])/g)) {
      if (isIPv4(match[0]) && !allowed.test(match[0])) found.push(`${path}: ${match[0]}`);
    }
  }
  assert.deepEqual(found, []);
});

test('the lock file names no registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved": *"http/);
});
