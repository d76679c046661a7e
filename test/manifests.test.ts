// The manifests under deploy/: those made from the schemas are current, and kustomize is told of all of them.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { generatedManifests } from '../src/api/crd/manifests.ts';

const root = join(import.meta.dirname, '..');

test('the manifests are what `make manifests` writes', () => {
  const generated = generatedManifests();
  assert.ok(generated.size >= 11);
  for (const [path, text] of generated)
    assert.equal(readFileSync(join(root, path), 'utf8'), text, `${path} is old: run make manifests`);
});

test('every manifest is part of a kustomization', () => {
  const folders = globSync('deploy/**/kustomization.yaml', { cwd: root }).map((path) => dirname(path));
  assert.ok(folders.length >= 2);
  for (const folder of folders) {
    const { resources } = parse(readFileSync(join(root, folder, 'kustomization.yaml'), 'utf8'));
    const files = globSync('*.yaml', { cwd: join(root, folder) });
    const inner = folders
      .filter((other) => dirname(other) === folder)
      .map((path) => path.slice(folder.length + 1));
    const expected = [...files.filter((file) => file !== 'kustomization.yaml'), ...inner];
    assert.deepEqual([...resources].sort(), expected.sort(), folder);
  }
});
