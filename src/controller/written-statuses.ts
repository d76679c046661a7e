// What earlier controllers wrote, where statuses lie apart from their objects: a status may be left over from one that
// went while no controller ran.
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { allocatedOf } from '../api/status.ts';
import type { Allocated, ServiceKey } from '../model/service.ts';
import { isMissing, readIfPresent } from '../sources/atomic-file.ts';
import { isHidden, pluralOf, statusFolder, statusPath } from '../sources/folder-layout.ts';
import { parseStatus } from '../sources/folder-status.ts';

export interface WrittenStatuses {
  /** The keys of all objects of the kind that have a status. */
  keys(kind: 'Service' | 'IPAddressPool'): Promise<readonly string[]>;
  /** What a Service's status says it has; nothing where the status is broken. */
  allocated(service: ServiceKey): Promise<Allocated>;
}

export const folderWrittenStatuses = (directory: string): WrittenStatuses => ({
  async keys(kind) {
    const folder = join(directory, statusFolder, pluralOf(kind));
    const suffix = '.json';
    try {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && entry.name.endsWith(suffix) && !isHidden(entry.name))
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).slice(0, -suffix.length));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  async allocated(service) {
    const [namespace, name = ''] = service.split('/');
    const text = await readIfPresent(join(directory, statusPath('Service', namespace, name)));
    const status = text === undefined ? undefined : parseStatus(text);
    return allocatedOf(status).object ?? { addresses: [], pool: undefined };
  },
});
