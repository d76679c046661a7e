// What is to be taken off one Service for nothing of Gantry's to be left on it; and its addresses, where they are released.
import { isRecord } from '../../api/record.ts';
import { allocatedFromPoolAnnotation } from '../../api/status.ts';
import type { ApiObject } from '../../kubernetes/api-object.ts';
import { rangeContains } from '../../model/address.ts';
import type { Pool } from '../../model/pool.ts';
import type { Service } from '../../model/service.ts';
import { fieldManager } from '../../sources/kubernetes-status.ts';

/** A merge patch (RFC 7396). */
export interface ServicePatch {
  /** The status takes no managedFields. */
  readonly subresource?: 'status';
  readonly isRelease: boolean;
  readonly patch: Readonly<Record<string, unknown>>;
}

/**
 * `service` is ours, and is what `raw` says. Of several patches the first one: the next is made of what the API server
 * answers. Undefined where there is nothing to take off.
 */
export function servicePatch(
  raw: ApiObject,
  service: Service,
  releasedPools: Iterable<Pool> | undefined,
): ServicePatch | undefined {
  const status = isRecord(raw['status']) ? raw['status'] : {};
  const conditions = Array.isArray(status['conditions']) ? status['conditions'] : [];
  const others = conditions.filter(
    (one) => !(isRecord(one) && String(one['type']).startsWith('gantry.dev/')),
  );
  // First, for what the addresses are of is told by the annotation, too.
  const isRelease = releasedPools !== undefined && isFromPools(service, releasedPools);
  if (isRelease || others.length < conditions.length) {
    const loadBalancer = isRelease ? { loadBalancer: { ingress: null } } : {};
    return {
      subresource: 'status',
      isRelease,
      patch: { status: { conditions: others, ...loadBalancer } },
    };
  }
  const { managedFields } = raw.metadata;
  const managers = Array.isArray(managedFields) ? managedFields : [];
  const otherManagers = managers.filter((one) => !(isRecord(one) && one['manager'] === fieldManager));
  const isMarked = raw.metadata.annotations?.[allocatedFromPoolAnnotation] !== undefined;
  if (otherManagers.length === managers.length && !isMarked) return undefined;
  // An empty list would be one that is not given.
  const left = otherManagers.length > 0 ? otherManagers : [{}];
  const metadata = { annotations: { [allocatedFromPoolAnnotation]: null }, managedFields: left };
  return { isRelease, patch: { metadata } };
}

/** By the pools that there are, or by what was written when there were others. */
function isFromPools({ allocated }: Service, pools: Iterable<Pool>): boolean {
  if (allocated.addresses.length === 0) return false;
  if (allocated.pool !== undefined) return true;
  const ranges = [...pools].flatMap((pool) => pool.ranges);
  return allocated.addresses.every((address) => ranges.some((range) => rangeContains(range, address)));
}
