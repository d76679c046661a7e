// Debian packages into a folder, as apt finds and verifies them; nothing is installed, and no root is needed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** One a line in packages.txt. */
export const packageNames: readonly string[] = readFileSync(join(import.meta.dirname, 'packages.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** What no program of the image reads; licences stay. */
const unneeded = [
  './etc',
  './lib/systemd',
  './usr/lib/*/gconv',
  './usr/share/doc/*/[!c]*',
  './usr/share/doc/*/changelog*',
  './usr/share/bug',
  './usr/share/gcc',
  './usr/share/gdb',
  './usr/share/lintian',
  './usr/share/man',
];

/**
 * The paths of the packages' files in the user's cache, of the newest version that apt knows of each. apt downloads what
 * is not there, checks what is, and speaks for itself where it fails. Throws then.
 */
export function fetchPackages(names: readonly string[]): string[] {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gantry/packages');
  mkdirSync(cache, { recursive: true });
  const files = describe(names)
    .split('\n\n')
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => {
      const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map((field) =>
        fieldOf(paragraph, field),
      );
      // So apt names what it downloads.
      return `${name}_${version?.replaceAll(':', '%3a')}_${architecture}.deb`;
    });
  // Its sandbox is a user who may not write here.
  run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...names], { cwd: cache });
  return files.map((file) => join(cache, file));
}

function describe(names: readonly string[]): string {
  try {
    return run('apt-cache', ['show', '--no-all-versions', ...names]);
  } catch (cause) {
    throw new Error('apt does not know all packages of the image: try `apt-get update` first', { cause });
  }
}

/** Unpacks one, and leaves its description where scanners of images look for it. */
export function unpackPackage(file: string, root: string): void {
  const content = execFileSync('dpkg-deb', ['--fsys-tarfile', file], { maxBuffer: 256 << 20 });
  const excluded = unneeded.map((pattern) => `--exclude=${pattern}`);
  run('tar', ['-x', '--keep-directory-symlink', '--no-same-owner', ...excluded, '-C', root], {
    input: content,
  });
  const description = run('dpkg-deb', ['--field', file]);
  const descriptions = join(root, 'var/lib/dpkg/status.d');
  mkdirSync(descriptions, { recursive: true });
  writeFileSync(join(descriptions, fieldOf(description, 'Package')), description);
}

const fieldOf = (paragraph: string, name: string): string =>
  new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';

const run = (
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: Uint8Array } = {},
): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'], ...options });
