// Which Services have which address now: so that a change of one Service plans its own addresses alone.
import { type Address, formatAddress } from '../model/address.ts';
import type { Service, ServiceKey } from '../model/service.ts';

export interface AddressIndex {
  /** Takes the Service as it is now; returns the addresses to plan again: those it has, and those it had. */
  update(key: ServiceKey, service: Service | undefined): Address[];
  servicesOf(address: Address): ReadonlySet<ServiceKey>;
  addressesOf(key: ServiceKey): readonly Address[];
  addresses(): Iterable<Address>;
}

const none: ReadonlySet<ServiceKey> = new Set();

export function createAddressIndex(): AddressIndex {
  const byService = new Map<ServiceKey, readonly Address[]>();
  const byAddress = new Map<string, { readonly address: Address; readonly services: Set<ServiceKey> }>();

  return {
    update(key, service) {
      const before = byService.get(key) ?? [];
      const after = service?.type === 'LoadBalancer' ? service.allocated.addresses : [];
      for (const address of before) {
        const text = formatAddress(address);
        const entry = byAddress.get(text);
        entry?.services.delete(key);
        if (entry?.services.size === 0) byAddress.delete(text);
      }
      for (const address of after) {
        const text = formatAddress(address);
        const entry = byAddress.get(text) ?? { address, services: new Set() };
        entry.services.add(key);
        byAddress.set(text, entry);
      }
      if (after.length === 0) byService.delete(key);
      else byService.set(key, after);
      const touched = new Map([...before, ...after].map((address) => [formatAddress(address), address]));
      return [...touched.values()];
    },
    servicesOf: (address) => byAddress.get(formatAddress(address))?.services ?? none,
    addressesOf: (key) => byService.get(key) ?? [],
    addresses: () => [...byAddress.values()].map(({ address }) => address),
  };
}
