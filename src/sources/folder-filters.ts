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

/** Below `.status/`, of which only the Services' part is followed: it tells the addresses. */
export const serviceStatusFilter: TreeFilter = {
  readsFolder: (path) =>
    path === services || (/^[^/]+\/[^/.]+$/.test(path) && path.startsWith(`${services}/`)),
  readsFile: (path) => serviceOfStatus(path) !== undefined,
};

/** The Service whose status is at a path below `.status/`. */
export function serviceOfStatus(path: string): ServiceKey | undefined {
  const [folder, namespace, file, ...rest] = path.split('/');
  const name = file?.endsWith('.json') && !isHidden(file) ? file.slice(0, -'.json'.length) : undefined;
  if (folder !== services || namespace === undefined || name === undefined || rest.length > 0)
    return undefined;
  return serviceKey(namespace, name);
}
