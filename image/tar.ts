// A folder as a tar archive that depends on nothing but its content: not on times, owners, or the order of a directory.
import { execFileSync } from 'node:child_process';

/** All of `folder`, by GNU tar, into `file`; its entries belong to root and are as old as 1970. */
export function archiveFolder(folder: string, file: string): void {
  const options = [
    '--format=ustar',
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
  ];
  // Whatever the umask was.
  const mode = '--mode=u+rw,go+r,go-w,a+X';
  execFileSync('tar', ['-c', ...options, mode, '-f', file, '-C', folder, '.'], { stdio: 'inherit' });
}
