// An image as one file that every container runtime loads: an OCI image layout, with the index of `docker save` beside it.
//
// https://github.com/opencontainers/image-spec: image-layout.md, manifest.md, config.md.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { archiveFolder } from './tar.ts';

export interface ImageDescription {
  /** Without a registry: `gantry`. */
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly licence: string;
  readonly entrypoint: readonly string[];
  /** Of the process, where nobody says otherwise: `UID:GID`. */
  readonly user: string;
  /** Node's names for them. */
  readonly architecture: string;
}

interface Blob {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly size: number;
}

/** All that is in it is that old, so that the same content is the same image. */
const created = '1970-01-01T00:00:00Z';

/** Node's name of an architecture to Go's, which images go by. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Writes the archive `file` of an image whose layers are these tar archives, the lowest first; `folder` is an empty one
 * to work in. Throws for an architecture that images have no name for here.
 */
export function writeImageArchive(
  description: ImageDescription,
  layerFiles: readonly string[],
  folder: string,
  file: string,
): void {
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, content: Uint8Array): Blob => {
    const digest = sha256(content);
    writeFileSync(join(blobs, digest), content);
    return { mediaType, digest: `sha256:${digest}`, size: content.byteLength };
  };

  const contents = layerFiles.map((layer) => readFileSync(layer));
  // Beyond this level it takes three times as long for a few thousandths.
  const layers = contents.map((content) => put(`${oci}.layer.v1.tar+gzip`, gzipSync(content, { level: 6 })));
  const config = put(`${oci}.config.v1+json`, json(configOf(description, contents)));
  const manifest = put(
    `${oci}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${oci}.manifest.v1+json`, config, layers }),
  );

  const { name, version } = description;
  const reference = `${name}:${version}`;
  const annotations = {
    'org.opencontainers.image.ref.name': version,
    // containerd takes it literally, and a kubelet that looks for a name without a registry looks for this one.
    'io.containerd.image.name': `docker.io/library/${reference}`,
  };
  const pathOf = ({ digest }: Blob): string => `blobs/${digest.replace(':', '/')}`;
  const files = {
    'oci-layout': { imageLayoutVersion: '1.0.0' },
    'index.json': {
      schemaVersion: 2,
      mediaType: `${oci}.index.v1+json`,
      manifests: [{ ...manifest, annotations }],
    },
    'manifest.json': [{ Config: pathOf(config), RepoTags: [reference], Layers: layers.map(pathOf) }],
  };
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), json(content));
  archiveFolder(folder, file);
}

const oci = 'application/vnd.oci.image';

function configOf(description: ImageDescription, layers: readonly Uint8Array[]) {
  const { name, version, summary, licence, entrypoint, user } = description;
  const architecture = architectures[description.architecture];
  if (architecture === undefined) throw new RangeError(`no images for ${description.architecture}`);
  return {
    created,
    architecture,
    os: 'linux',
    config: {
      User: user,
      Entrypoint: entrypoint,
      Env: ['PATH=/usr/sbin:/usr/bin', 'NODE_ENV=production'],
      WorkingDir: '/',
      Labels: {
        'org.opencontainers.image.title': name,
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.description': summary,
        'org.opencontainers.image.licenses': licence,
      },
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
    history: layers.map(() => ({ created, created_by: 'make image' })),
  };
}

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value), 'utf8');
