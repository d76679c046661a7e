// The container image: the same bytes from the same input, what the specification asks for, and programs that run in it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type BuiltImage, buildImage } from '../../image/image.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import manifest from '../../package.json' with { type: 'json' };

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface ImageConfig {
  readonly architecture: string;
  readonly config: {
    readonly User: string;
    readonly Entrypoint: readonly string[];
    readonly Env: readonly string[];
    readonly WorkingDir: string;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

const repository = join(import.meta.dirname, '../..');
const digestOf = (content: Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

testInsideLab(import.meta.filename, () => {
  let directory: string;
  let layout: string;
  let root: string;
  let images: readonly [BuiltImage, BuiltImage];

  /** Runs a command with the image as its root, and returns what it prints. */
  const inImage = (...argv: readonly string[]): string =>
    execFileSync('chroot', [root, ...argv], {
      encoding: 'utf8',
      env: Object.fromEntries(config().config.Env.map((line) => line.split('=') as [string, string])),
    });
  const parsed = <T>(path: string): T => JSON.parse(readFileSync(join(layout, path), 'utf8')) as T;
  const blobOf = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;
  const imageOf = () => {
    const { manifests } = parsed<{ readonly manifests: readonly [Descriptor] }>('index.json');
    const [image] = manifests;
    const parts = parsed<{ readonly config: Descriptor; readonly layers: readonly Descriptor[] }>(
      blobOf(image),
    );
    return { image, ...parts };
  };
  const config = (): ImageConfig => parsed(blobOf(imageOf().config));

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'gantry-image-test-'));
    const dist = join(directory, 'dist');
    execFileSync(process.execPath, [join(repository, 'scripts/build.ts'), dist], { stdio: 'ignore' });
    const first = buildImage(dist, join(directory, 'first'));
    // Neither when a file was written nor who may read new ones makes a difference.
    utimesSync(join(dist, 'LICENSE'), 1, 1);
    const mask = process.umask(0o077);
    const second = buildImage(dist, join(directory, 'second'));
    process.umask(mask);
    images = [first, second];
    layout = join(directory, 'layout');
    root = join(directory, 'root');
    for (const folder of [layout, root]) mkdirSync(folder);
    execFileSync('tar', ['-xf', first.archive, '-C', layout]);
    for (const layer of first.layers) execFileSync('tar', ['-xf', layer, '-C', root, '--no-same-owner']);
    execFileSync('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
  });

  after(() => {
    // Not there where something failed before.
    spawnSync('umount', [join(root, 'proc')]);
    rmSync(directory, { recursive: true });
  });

  test('the same input gives the same bytes', () => {
    const [first, second] = images.map(({ archive }) => digestOf(readFileSync(archive)));
    assert.equal(first, second);
  });

  test('every part has the digest and the size that are said of it', () => {
    const { image, config: described, layers } = imageOf();
    for (const descriptor of [image, described, ...layers]) {
      const content = readFileSync(join(layout, blobOf(descriptor)));
      assert.equal(digestOf(content), descriptor.digest);
      assert.equal(content.byteLength, descriptor.size);
    }
    const unpacked = layers.map((layer) => digestOf(gunzipSync(readFileSync(join(layout, blobOf(layer))))));
    assert.deepEqual(config().rootfs.diff_ids, unpacked);
    assert.deepEqual(
      unpacked,
      images[0].layers.map((layer) => digestOf(readFileSync(layer))),
    );
    assert.equal(globSync('blobs/sha256/*', { cwd: layout }).length, layers.length + 2);
  });

  test('it is known by its version, to who reads the one index and who reads the other', () => {
    const { image, config: described, layers } = imageOf();
    const [saved] = parsed<readonly [object]>('manifest.json');
    const name = `gantry:${manifest.version}`;
    assert.deepEqual(saved, { Config: blobOf(described), RepoTags: [name], Layers: layers.map(blobOf) });
    assert.ok(image.annotations?.['io.containerd.image.name']?.endsWith(`/${name}`));
    assert.equal(image.annotations?.['org.opencontainers.image.ref.name'], manifest.version);
  });

  test('the Dockerfile makes the same of the same layers', () => {
    const lines = readFileSync(join(repository, 'Dockerfile'), 'utf8').split('\n');
    const values = (instruction: string): string[] =>
      lines
        .filter((line) => line.startsWith(`${instruction} `))
        .map((line) => line.slice(instruction.length + 1));
    const { Entrypoint, Env, User, WorkingDir } = config().config;
    assert.deepEqual(values('FROM'), ['scratch']);
    assert.deepEqual(
      values('ADD'),
      images[0].layers.map((layer) => `dist/image/${layer.split('/').at(-1)} /`),
    );
    assert.deepEqual(
      values('ENTRYPOINT').map((text) => JSON.parse(text)),
      [Entrypoint],
    );
    assert.deepEqual(values('ENV').join(' ').split(' '), Env);
    assert.deepEqual(values('USER'), [User]);
    assert.deepEqual(values('WORKDIR'), [WorkingDir]);
  });

  test('gantry runs in it', () => {
    const { version } = JSON.parse(inImage(...config().config.Entrypoint, 'version', '--output', 'json'));
    assert.equal(version, manifest.version);
  });

  test('nft runs in it, and reads what is in the kernel', () => {
    assert.match(inImage('nft', '--version'), /^nftables v/);
    const { nftables } = JSON.parse(inImage('nft', '-j', 'list', 'chains'));
    assert.ok(Array.isArray(nftables));
  });

  test('the native module loads in it and calls the C library', () => {
    const script =
      "const koffi = require('/usr/lib/gantry/node_modules/koffi'); console.log(koffi.load('libc.so.6').func('int getpid()')() === process.pid)";
    assert.equal(inImage('node', '--eval', script).trim(), 'true');
  });

  test('every library that something in it names is in it, too', () => {
    const [loader] = globSync('usr/lib*/**/ld-linux-*', { cwd: root });
    const native = globSync('usr/lib/gantry/**/*.node', { cwd: root });
    assert.ok(loader !== undefined && native.length === 1);
    for (const file of [
      'usr/bin/node',
      'usr/sbin/nft',
      ...native,
      ...globSync('usr/lib/*/*.so.*', { cwd: root }),
    ])
      assert.doesNotMatch(inImage(`/${loader}`, '--list', `/${file}`), /not found/, file);
  });

  test('nobody but root may change a file of it, and everybody may read all of them', () => {
    for (const layer of images[0].layers) {
      const entries = execFileSync('tar', ['-tvf', layer], { encoding: 'utf8' }).trim().split('\n');
      for (const entry of entries.filter((line) => !line.startsWith('l')))
        assert.match(entry, /^[d-]rw[x-]r-[x-]r-[x-] 0\/0 /);
    }
  });
});
