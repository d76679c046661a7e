// Builds dist/, or the folder that is named: one bundled file, a launcher, the Node runtime and the one native module, to
// be copied anywhere.
import { chmodSync, cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);

await build({
  entryPoints: [join(root, 'src/main.ts')],
  outfile: join(dist, 'gantry.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node26',
  format: 'esm',
  // Every process holds the source: without comments and spaces, and in ASCII, it takes a quarter of the memory. Names
  // and lines stay, for stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 120,
  legalComments: 'linked',
  // Native: loaded from dist/node_modules beside the bundle. The official client is for log-in by plug-ins from a
  // checkout: in the bundle every process would hold its megabytes of source.
  external: ['koffi', '@kubernetes/client-node'],
  // CommonJS packages inside the bundle still call require.
  banner: {
    js: "import { createRequire as bundleRequire } from 'node:module';const require = bundleRequire(import.meta.url);",
  },
});

for (const name of ['koffi', `@koromix/koffi-linux-${process.arch}`]) {
  const from = join(root, 'node_modules', name);
  cpSync(from, join(dist, 'node_modules', name), {
    recursive: true,
    filter: (path) => !/\/(doc|vendor|lib|musl_[^/]*)(\/|$)/.test(path.slice(from.length)),
  });
}

cpSync(process.execPath, join(dist, 'node'));
// A small young generation costs little speed here, and keeps some 20 MB in every process.
const launcher =
  '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec "$here/node" --max-semi-space-size=2 "$here/gantry.mjs" "$@"\n';
writeFileSync(join(dist, 'gantry'), launcher);
chmodSync(join(dist, 'gantry'), 0o755);
cpSync(join(root, 'lab/enter'), join(dist, 'lab-enter'));
cpSync(join(root, 'LICENSE'), join(dist, 'LICENSE'));

const megabytes = (name: string): string => `${(statSync(join(dist, name)).size / 1e6).toFixed(1)} MB`;
console.error(
  `dist/gantry: the launcher; gantry.mjs ${megabytes('gantry.mjs')}, node ${megabytes('node')}, node_modules/ the native part`,
);
