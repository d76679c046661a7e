// Where credentials are looked for: the file that was named, else the pod's own; for people also where kubectl looks.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Access } from './access.ts';
import { inClusterAccess } from './in-cluster.ts';
import type { KubeconfigText } from './kubeconfig.ts';
import type { AccessResult } from './reason.ts';

export interface AccessOptions {
  /** A kubeconfig, or several as KUBECONFIG has them; undefined: see `who`. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** A person's command also looks into KUBECONFIG and `~/.kube/config`, and there first. */
  readonly who: 'daemon' | 'person';
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Reads what is there now; files that the access names are read by who uses it. */
export async function findAccess(options: AccessOptions): Promise<AccessResult<Access>> {
  const { environment = process.env } = options;
  const files = kubeconfigFiles(options);
  if (files.length === 0) return inClusterAccess(environment);
  const texts = await readKubeconfigs(files, options.kubeconfig !== undefined);
  if (!texts.ok) return texts;
  if (texts.value.length === 0) return inClusterAccess(environment);
  // Only who has a kubeconfig pays for reading YAML.
  const { kubeconfigAccess } = await import('./kubeconfig.ts');
  return kubeconfigAccess(texts.value, options.context);
}

/** The kubeconfig files that the options and the environment name; they need not exist. */
export function kubeconfigFiles({ kubeconfig, who, environment = process.env }: AccessOptions): string[] {
  const named = kubeconfig ?? (who === 'person' ? environment['KUBECONFIG'] : undefined);
  if (named) return named.split(delimiter).filter((file) => file !== '');
  return who === 'person' ? [join(homedir(), '.kube', 'config')] : [];
}

/** As kubectl: files that KUBECONFIG names may be missing; one that was asked for must be there. */
export async function readKubeconfigs(
  files: readonly string[],
  isAskedFor: boolean,
): Promise<AccessResult<KubeconfigText[]>> {
  const texts: KubeconfigText[] = [];
  for (const file of files) {
    try {
      texts.push({ file, text: await readFile(file, 'utf8') });
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException; // of readFile
      if (code === 'ENOENT' && !isAskedFor) continue;
      return { ok: false, reason: { kind: 'credentials-unreadable', file, code } };
    }
  }
  return { ok: true, value: texts };
}
