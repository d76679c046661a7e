// Which names in a folder are manifests, and where below `.status/` Gantry keeps what it writes.
import { join } from 'node:path';
import { isKind, kinds } from '../api/kinds.ts';
import type { ManifestFormat } from '../api/manifest.ts';
import { dnsSubdomain } from '../api/metadata.ts';
import { parseServiceBgpStatusName, parseServiceL2StatusName } from '../api/status.ts';

export const statusFolder = '.status';
export const lastGoodFolder = join(statusFolder, 'last-good');

/** Hidden files and folders are not read: `.git`, `.status`, `..data`, editors' swap and lock files. */
export const isHidden = (name: string): boolean => name.startsWith('.');

/** The format of a manifest by its file name; undefined for what is none, editors' temporary files included. */
export function manifestFormat(name: string): ManifestFormat | undefined {
  if (isHidden(name) || /^#.*#$|~$/.test(name)) return undefined;
  if (/\.ya?ml$/i.test(name)) return 'yaml';
  return /\.json$/i.test(name) ? 'json' : undefined;
}

/** `services`, `servicel2statuses`: the folder of a kind below `.status/`. */
export function pluralOf(kind: string): string {
  if (isKind(kind)) return kinds[kind].plural;
  return kind.toLowerCase() + (kind.endsWith('s') ? 'es' : 's');
}

/**
 * The status file of an object, relative to the folder. What a node says of a Service lies by node, namespace and Service.
 * Throws a RangeError for a name that is none in Kubernetes: it must not become a path.
 */
export function statusPath(kind: string, namespace: string | undefined, name: string): string {
  const about = statusNameParsers[kind]?.(name);
  const steps =
    about !== undefined
      ? [about.node, about.namespace, about.name]
      : namespace === undefined || namespace === ''
        ? [name]
        : [namespace, name];
  for (const step of steps) {
    if (!dnsSubdomain.safeParse(step).success)
      throw new RangeError(`${JSON.stringify(step)} is not an object's name`);
  }
  return `${join(statusFolder, pluralOf(kind), ...steps)}.json`;
}

const statusNameParsers: Readonly<Record<string, typeof parseServiceL2StatusName>> = {
  ServiceL2Status: parseServiceL2StatusName,
  ServiceBGPStatus: parseServiceBgpStatusName,
};
