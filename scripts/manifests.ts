// Writes the manifests under deploy/ that are made from the schemas in src/api/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedManifests } from '../src/api/crd/manifests.ts';

const root = join(import.meta.dirname, '..');
for (const [path, text] of generatedManifests()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
