// Builds dist/image/: the image of the bundle that `make build` has left in dist/, as an archive, without Docker.
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildImage } from '../image/image.ts';

const root = join(import.meta.dirname, '..');
const { archive, layers } = buildImage(join(root, 'dist'), join(root, 'dist/image'));
const megabytes = (path: string): string => `${(statSync(path).size / 1e6).toFixed(1)} MB`;
const [base, gantry] = layers;
console.error(
  `${relative(root, archive)}: ${megabytes(archive)}; unpacked, what it runs on has ${megabytes(base)}, Gantry itself ${megabytes(gantry)}`,
);
