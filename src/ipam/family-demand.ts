// Which address families a Service is to have: one or two, and which of them is the primary.
import type { Address, Family } from '../model/address.ts';
import type { Service } from '../model/service.ts';

export interface FamilyDemand {
  /** Undefined where the Service leaves it open. */
  readonly primary: Family | undefined;
  readonly second: 'unwanted' | 'wanted' | 'required';
}

/** An asked-for address decides where the Service leaves its family open. */
export function familyDemand(service: Service, asked: readonly Address[]): FamilyDemand {
  const primary = service.ipFamilies[0] ?? (asked.length === 1 ? asked[0]?.family : undefined);
  switch (service.ipFamilyPolicy) {
    case 'SingleStack':
      return { primary, second: 'unwanted' };
    case 'PreferDualStack':
      return { primary, second: 'wanted' };
    case 'RequireDualStack':
      return { primary, second: 'required' };
    default:
      return service.ipFamilyPolicy satisfies never;
  }
}

export const otherFamily = (family: Family): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4');

/** Both families, the primary first. */
export function bothFamilies(demand: FamilyDemand): readonly [Family, Family] {
  const first = demand.primary ?? 'IPv4';
  return [first, otherFamily(first)];
}

export const addressOfFamily = (addresses: readonly Address[], family: Family): Address | undefined =>
  addresses.find((address) => address.family === family);
