// Manifests into and out of an API server: of any kind that it serves, custom ones too.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { until } from '../gantry.ts';
import type { Manifest } from '../manifests.ts';
import { type ApiClient, type ApiObject, isStatus } from './api-client.ts';

export interface Objects {
  /**
   * Creates or changes each, in their order: fields that an earlier manifest had and this has not are removed. A status
   * is merged into the object's, where the kind has that subresource. Waits some seconds for a kind that is not served
   * yet. Rejects with the server's own words when it refuses one.
   */
  apply(...manifests: readonly Manifest[]): Promise<void>;
  /** All YAML and JSON files of a folder, in the order of their names; those of its folders too. */
  applyFolder(folder: string): Promise<void>;
  /** Without a grace period the object goes at once; else a pod stays, terminating. */
  remove(manifest: Named, gracePeriodSeconds?: number): Promise<void>;
  /** Undefined where there is none. */
  find<T = ApiObject>(manifest: Named): Promise<T | undefined>;
  /** The path of the object; without a name, of the collection. */
  path(of: Named): Promise<string>;
}

/** Enough of a manifest to find its object. */
export interface Named {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export function createObjects(api: ApiClient): Objects {
  const served = new Map<string, readonly Resource[]>();

  const groupPath = (apiVersion: string): string =>
    `/api${apiVersion.includes('/') ? 's' : ''}/${apiVersion}`;

  const resourcesOf = async ({ apiVersion, kind }: Named): Promise<readonly Resource[]> => {
    const known = served.get(apiVersion);
    if (known?.some((resource) => resource.kind === kind)) return known;
    return await until(`${apiVersion} ${kind} is served`, async () => {
      const { status, body } = await api.request('GET', groupPath(apiVersion));
      if (status !== 200) return;
      const { resources } = body as { readonly resources: readonly Resource[] };
      served.set(apiVersion, resources);
      return resources.some((resource) => resource.kind === kind) && resources;
    });
  };

  const objects: Objects = {
    async path(of) {
      const resource = (await resourcesOf(of)).find(({ kind }) => kind === of.kind);
      if (resource === undefined) throw new Error(`no resource of kind ${of.kind}`);
      const { name, namespace = 'default' } = of.metadata;
      const parts = [
        groupPath(of.apiVersion),
        ...(resource.namespaced ? ['namespaces', namespace] : []),
        resource.name,
        ...(name === undefined ? [] : [name]),
      ];
      return parts.join('/');
    },
    async apply(...manifests) {
      for (const manifest of manifests) {
        const path = await objects.path(manifest);
        const { status, ...rest } = manifest;
        await api.call('PATCH', `${path}?fieldManager=lab&force=true`, rest, 'application/apply-patch+yaml');
        const resources = await resourcesOf(manifest);
        const isStatusServed = resources.some(
          ({ kind, name }) => kind === manifest.kind && name.endsWith('/status'),
        );
        if (status === undefined || !isStatusServed) continue;
        // A node's addresses of one type are one entry to server-side apply, so the status is merged.
        await api.call('PATCH', `${path}/status`, { status }, 'application/merge-patch+json');
      }
    },
    applyFolder: (folder) => objects.apply(...readManifests(folder)),
    async remove(manifest, gracePeriodSeconds = 0) {
      const path = await objects.path(manifest);
      await api.call('DELETE', `${path}?gracePeriodSeconds=${gracePeriodSeconds}`);
    },
    async find<T>(manifest: Named) {
      const path = await objects.path(manifest);
      const { status, body } = await api.request('GET', path);
      if (status === 200) return body as T;
      if (status === 404) return undefined;
      throw new Error(`GET ${path}: ${status} ${isStatus(body) ? body.message : body}`);
    },
  };
  return objects;
}

/** The manifests of a folder's files, Lists taken apart. Throws for one that is no YAML. */
function readManifests(folder: string): Manifest[] {
  const files = globSync('**/*.{yaml,yml,json}', { cwd: folder }).sort();
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).flatMap((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw new Error(`${file}: ${error.message}`);
      const manifest: Manifest | null = document.toJS();
      if (manifest === null) return [];
      return manifest.kind === 'List' ? (manifest['items'] as Manifest[]) : [manifest];
    }),
  );
}
