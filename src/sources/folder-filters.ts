// The two trees in a folder: the manifests, which people write, and the statuses, which Gantry writes.
import type { ServiceKey } from '../model/service.ts';
import { serviceKey } from '../model/service.ts';
import { isHidden, manifestFormat, pluralOf } from './folder-layout.ts';
import type { TreeFilter } from './folder-walk.ts';

export const manifestFilter: TreeFilter = {
  readsFolder: (_path, name) => !isHidden(name) && manifestFormat(name) === undefined && !name.endsWith('~'),
  readsFile: (_path, name) => manifestFormat(name) !== undefined,
};

const services = pluralOf('Service');
const addressProbes = pluralOf('AddressProbe');

/** Below `.status/`: the Services' part tells the addresses, the nodes' probes which of them others use. */
export const statusFilter: TreeFilter = {
  readsFolder: (path) =>
    path === services ||
    path === addressProbes ||
    (/^[^/]+\/[^/.]+$/.test(path) && path.startsWith(`${services}/`)),
  readsFile: (path) => serviceOfStatus(path) !== undefined || nodeOfProbe(path) !== undefined,
};

/** The node whose AddressProbe is at a path below `.status/`. */
export function nodeOfProbe(path: string): string | undefined {
  const [folder, file, ...rest] = path.split('/');
  if (folder !== addressProbes || file === undefined || rest.length > 0 || isHidden(file)) return undefined;
  return file.endsWith('.json') ? file.slice(0, -'.json'.length) : undefined;
}

/** The Service whose status is at a path below `.status/`. */
export function serviceOfStatus(path: string): ServiceKey | undefined {
  const [folder, namespace, file, ...rest] = path.split('/');
  const name = file?.endsWith('.json') && !isHidden(file) ? file.slice(0, -'.json'.length) : undefined;
  if (folder !== services || namespace === undefined || name === undefined || rest.length > 0)
    return undefined;
  return serviceKey(namespace, name);
}
