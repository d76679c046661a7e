// The two folders that the image's root consists of: what all versions of Gantry run on, and Gantry itself.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPackages, packageNames, unpackPackage } from './packages.ts';

/** Who runs what needs no rights of the kernel's: the controller. */
export const ordinaryUser = 65532;

/** Node, nft and the libraries that they load. `node` is the program's path here. */
export function fillBase(root: string, node: string): void {
  // As on Debian since its version 12; older packages still name the directories on the left.
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const name of ['etc', 'proc', 'run', 'sys', 'dev']) mkdirSync(join(root, name));
  for (const file of fetchPackages(packageNames)) unpackPackage(file, root);

  // A fifth of it is names for a debugger.
  execFileSync('strip', ['-o', join(root, 'usr/bin/node'), node], { stdio: 'inherit' });
  const etc = (name: string, ...lines: readonly string[]): void =>
    writeFileSync(join(root, 'etc', name), `${lines.join('\n')}\n`);
  etc('passwd', 'root:x:0:0:root:/:/', `gantry:x:${ordinaryUser}:${ordinaryUser}:gantry:/:/`);
  etc('group', 'root:x:0:', `gantry:x:${ordinaryUser}:`);
  etc('nsswitch.conf', 'hosts: files dns');
}

/** The bundle of `make build`, as a command in the path: its first line tells the kernel to start it with Node. */
export function fillGantry(root: string, dist: string): void {
  const library = join(root, 'usr/lib/gantry');
  mkdirSync(library, { recursive: true });
  mkdirSync(join(root, 'usr/bin'));
  cpSync(join(dist, 'node_modules'), join(library, 'node_modules'), { recursive: true });
  cpSync(join(dist, 'LICENSE'), join(library, 'LICENSE'));
  const bundle = readFileSync(join(dist, 'gantry.mjs'), 'utf8');
  const program = join(library, 'gantry.mjs');
  // With the launcher's option: there is no shell to run the launcher itself.
  writeFileSync(program, bundle.replace(/^#!.*/, '#!/usr/bin/node --max-semi-space-size=2'));
  chmodSync(program, 0o755);
  symlinkSync('../lib/gantry/gantry.mjs', join(root, 'usr/bin/gantry'));
}
