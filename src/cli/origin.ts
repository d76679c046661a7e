// Where the objects come from: a folder of manifests, or the API of a cluster.
import { statSync } from 'node:fs';
import { Option } from 'commander';
import { type Access, withServers } from '../kubernetes/access/access.ts';
import { findAccess } from '../kubernetes/access/find-access.ts';
import { findPersonsAccess } from '../kubernetes/access/plugin-access.ts';
import { accessSentence } from '../kubernetes/access/reason.ts';
import { exitCodes, fail } from './exit-code.ts';
import { folderOption } from './options.ts';

export interface OriginOptions {
  readonly folder?: string;
  readonly kubernetes?: true;
  readonly kubeconfig?: string;
  readonly apiServer?: readonly string[];
  readonly namespace: string;
}

export type Origin =
  | { readonly kind: 'folder'; readonly directory: string }
  | {
      readonly kind: 'kubernetes';
      readonly access: Access;
      /** Where the objects are that configure Gantry. */
      readonly configurationNamespace: string;
    };

export const defaultNamespace = 'gantry-system';

export const originOptions = (): Option[] => [
  folderOption().makeOptionMandatory(false).conflicts(['kubernetes', 'kubeconfig']),
  ...clusterOptions(),
];

export const clusterOptions = (): Option[] => [
  new Option('--kubernetes', 'take the objects from the API of the cluster, with the credentials of the pod'),
  new Option('--kubeconfig <file>', 'take them from the API of the cluster, with these credentials').env(
    'GANTRY_KUBECONFIG',
  ),
  new Option(
    '--api-server <url...>',
    'addresses of the API servers, in place of the one in the credentials; the next is asked where one is away',
  ),
  new Option(
    '--namespace <name>',
    'where the objects are that configure Gantry: metallb-system for who comes from MetalLB',
  )
    .env('GANTRY_NAMESPACE')
    .default(defaultNamespace),
];

/**
 * Undefined, with the failure told, where there is no such place. A person who names none means the cluster that kubectl
 * would speak to.
 */
export async function findOrigin(
  options: OriginOptions,
  who: 'daemon' | 'person',
): Promise<Origin | undefined> {
  const { folder, kubernetes, kubeconfig } = options;
  if (folder !== undefined) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      return { kind: 'folder', directory: folder };
    fail(`there is no folder ${folder}; name the folder of manifests`);
    return undefined;
  }
  if (who === 'daemon' && kubernetes !== true && kubeconfig === undefined) {
    const message = 'it is not said where the objects are; give --folder, --kubernetes or --kubeconfig';
    fail(message, exitCodes.usage);
    return undefined;
  }
  const found =
    who === 'person' ? await findPersonsAccess({ kubeconfig }) : await findAccess({ kubeconfig, who });
  if (!found.ok) {
    fail(accessSentence(found.reason));
    return undefined;
  }
  const access = withServers(found.value, options.apiServer ?? []);
  return { kind: 'kubernetes', access, configurationNamespace: options.namespace };
}
