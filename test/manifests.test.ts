// The manifests under deploy/: those made from the schemas are current, and kustomize is told of all of them.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { deployed } from '../lab/deployment.ts';
import { generatedManifests } from '../src/api/crd/manifests.ts';

const root = join(import.meta.dirname, '..');

test('the manifests are what `make manifests` writes', () => {
  const generated = generatedManifests();
  assert.ok(generated.size >= 11);
  for (const [path, text] of generated)
    assert.equal(readFileSync(join(root, path), 'utf8'), text, `${path} is old: run make manifests`);
});

test('every manifest is installed, wherever Gantry is', () => {
  const files = globSync('**/*.yaml', { cwd: join(root, 'deploy') }).filter(
    (file) => basename(file) !== 'kustomization.yaml' && file !== 'cleanup.yaml',
  );
  for (const folder of ['.', 'metallb'])
    assert.deepEqual([...new Set(deployed(folder).map(({ file }) => file))].sort(), files.sort(), folder);
});
