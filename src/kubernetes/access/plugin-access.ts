// Log-in by exec plug-ins and auth providers, for commands that a person runs: what the official library does for it.
import type { Access } from './access.ts';
import { type AccessOptions, findAccess, kubeconfigFiles, readKubeconfigs } from './find-access.ts';
import type { Login } from './kubeconfig.ts';
import type { AccessReason, AccessResult } from './reason.ts';

/**
 * As `findAccess`, but a plug-in is run where the kubeconfig names one. Only for commands: the library costs 85 MB of
 * memory, and what a plug-in gives is not renewed, which is good for a few minutes.
 */
export async function findPersonsAccess(options: Omit<AccessOptions, 'who'>): Promise<AccessResult<Access>> {
  const asked = { ...options, who: 'person' } as const;
  const access = await findAccess(asked);
  if (access.ok || access.reason.kind !== 'plugin-needed') return access;
  const texts = await readKubeconfigs(kubeconfigFiles(asked), options.kubeconfig !== undefined);
  if (!texts.ok) return texts;
  const files = texts.value.map(({ file }) => file);
  const login = await logIn(files, options.context);
  if ('kind' in login) return { ok: false, reason: login };
  const { kubeconfigAccess } = await import('./kubeconfig.ts');
  return kubeconfigAccess(texts.value, options.context, login);
}

async function logIn(files: readonly string[], context: string | undefined): Promise<Login | AccessReason> {
  const library = await loaded();
  if (library === undefined) {
    return { kind: 'plugin-failed', error: 'the package @kubernetes/client-node is not installed here' };
  }
  const { KubeConfig } = library;
  const config = new KubeConfig();
  for (const [index, file] of files.entries()) {
    const one = index === 0 ? config : new KubeConfig();
    one.loadFromFile(file);
    if (one !== config) config.mergeConfig(one, true);
  }
  if (context !== undefined) config.setCurrentContext(context);
  const applied: { headers?: unknown; cert?: unknown; key?: unknown } = {};
  try {
    await config.applyToHTTPSOptions(applied);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { kind: 'plugin-failed', error: text.trim().split('\n', 1)[0] ?? '' };
  }
  const { Authorization = '' } = (applied.headers ?? {}) as { readonly Authorization?: string }; // of the library
  return {
    token: /^Bearer (.+)$/.exec(Authorization)?.[1],
    certificate: textOf(applied.cert),
    key: textOf(applied.key),
  };
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : undefined;

async function loaded(): Promise<typeof import('@kubernetes/client-node') | undefined> {
  try {
    return await import('@kubernetes/client-node');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
