// Gantry's image from its bundle: the layers, and the archive of both.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { writeImageArchive } from './archive.ts';
import { fillBase, fillGantry, ordinaryUser } from './root-files.ts';
import { archiveFolder } from './tar.ts';

export interface BuiltImage {
  /** What Gantry runs on, and Gantry itself: tar archives, for a Dockerfile. */
  readonly layers: readonly [base: string, gantry: string];
  /** What `ctr images import` and `docker load` take. */
  readonly archive: string;
}

/** Of the bundle in `dist`, into the folder `output`, which is made. The same input gives the same bytes. */
export function buildImage(dist: string, output: string): BuiltImage {
  const { name, version } = manifest;
  const work = mkdtempSync(join(tmpdir(), 'gantry-image-'));
  const folder = (part: string): string => {
    const path = join(work, part);
    mkdirSync(path);
    return path;
  };
  mkdirSync(output, { recursive: true });
  const built: BuiltImage = {
    layers: [join(output, 'base.tar'), join(output, 'gantry.tar')],
    archive: join(output, `${name}-${version}.tar`),
  };
  try {
    const [base, gantry] = [folder('base'), folder('gantry')];
    fillBase(base, join(dist, 'node'));
    fillGantry(gantry, dist);
    archiveFolder(base, built.layers[0]);
    archiveFolder(gantry, built.layers[1]);
    writeImageArchive(
      {
        name,
        version,
        summary: manifest.description,
        licence: manifest.license,
        entrypoint: ['gantry'],
        user: `${ordinaryUser}:${ordinaryUser}`,
        architecture: process.arch,
      },
      built.layers,
      folder('layout'),
      built.archive,
    );
  } finally {
    rmSync(work, { recursive: true });
  }
  return built;
}
