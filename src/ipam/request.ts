// What a Service asks for, and whether that can be asked for at all.
import type { Address, Family } from '../model/address.ts';
import type { Service } from '../model/service.ts';
import { addressOfFamily, bothFamilies, familyDemand } from './family-demand.ts';
import type { AllocationReason } from './reason.ts';

/** What makes the Service's request unusable by itself: such a Service keeps what it has and is given nothing. */
export function unusableRequest(service: Service): AllocationReason | undefined {
  const { problem, addresses } = service.request;
  if (problem !== undefined) return { kind: 'invalid-request', problem };
  const [address] = addresses;
  if (service.ipFamilyPolicy !== 'SingleStack' || address === undefined) return undefined;
  if (addresses.length > 1) return { kind: 'two-addresses-single-stack' };
  const family = service.ipFamilies[0] ?? address.family;
  return address.family === family ? undefined : { kind: 'address-family-mismatch', address, family };
}

/** The asked-for address that decides the pool: that of the primary family, else the only one. */
export function decisiveAddress(service: Service): Address | undefined {
  const { addresses: asked } = service.request;
  const [primary] = bothFamilies(familyDemand(service, asked));
  return addressOfFamily(asked, primary) ?? asked[0];
}

/** The families without which the Service cannot have an address at all; none where one of any will do. */
export function essentialFamilies(service: Service): readonly Family[] {
  const { addresses: asked } = service.request;
  const demand = familyDemand(service, asked);
  if (demand.second === 'required') return bothFamilies(demand);
  const decisive = decisiveAddress(service);
  return decisive === undefined ? [] : [decisive.family];
}
