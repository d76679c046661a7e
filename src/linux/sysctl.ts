// Kernel settings below /proc/sys, by their dotted or slashed name.
import { readFileSync } from 'node:fs';

/** The setting's text, trimmed; undefined where there is none of that name. `net/ipv4/conf/eth0.5/rp_filter`. */
export function readSysctl(name: string): string | undefined {
  const path = name.includes('/') ? name : name.replaceAll('.', '/');
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES'))
      return undefined;
    throw error;
  }
}
