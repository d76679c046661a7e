// What an API server's Services were when they were last seen: who writes to one says which version he knows.
import { allocatedOf } from '../api/status.ts';
import { isOlderVersion, type Metadata } from '../kubernetes/api-object.ts';
import { formatAddress } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';

export interface ServiceVersion {
  readonly uid: string;
  readonly resourceVersion: string;
  /** The addresses that its status has in this version, in canonical form. */
  readonly addresses: readonly string[];
}

/** Fed by watches and by the answers to writes, which overtake each other: the newest counts. */
export interface ServiceVersions {
  get(service: ServiceKey): ServiceVersion | undefined;
  put(service: ServiceKey, version: ServiceVersion): void;
  remove(service: ServiceKey): void;
}

export function createServiceVersions(): ServiceVersions {
  const versions = new Map<ServiceKey, ServiceVersion>();
  return {
    get: (service) => versions.get(service),
    put(service, version) {
      const known = versions.get(service);
      if (known === undefined || !isOlderVersion(version.resourceVersion, known.resourceVersion))
        versions.set(service, version);
    },
    remove: (service) => void versions.delete(service),
  };
}

/** Of a Service as the API has it. */
export function versionOf(object: {
  readonly metadata: Metadata;
  readonly status?: unknown;
}): ServiceVersion {
  const { uid = '', resourceVersion } = object.metadata;
  const { object: allocated } = allocatedOf(object);
  return { uid, resourceVersion, addresses: (allocated?.addresses ?? []).map(formatAddress) };
}
