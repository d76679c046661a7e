// What is known of free addresses from outside: those that strangers use are set aside, and some pools wait for the rest.
import type { Address } from '../model/address.ts';
import type { AddressProbe, Stranger } from '../model/address-probe.ts';

/** A stranger, and the node that found it. */
export interface FoundStranger extends Stranger {
  readonly node: string;
}

export interface Probed {
  /** By `addressKey`. */
  readonly strangers: ReadonlyMap<string, FoundStranger>;
  /** Of pools that wait for the probe, by `addressKey`. */
  readonly clear: ReadonlyMap<string, Address>;
}

export const nothingProbed: Probed = { strangers: new Map(), clear: new Map() };

export const addressKey = ({ family, value }: Address): string => `${family} ${value}`;

/**
 * What all nodes say together; of two that found the same stranger the first by name is named. What a node said that is
 * no more does not count; a folder may have no nodes at all.
 */
export function probedBy(
  probes: ReadonlyMap<string, AddressProbe>,
  nodes: ReadonlyMap<string, unknown>,
): Probed {
  const strangers = new Map<string, FoundStranger>();
  const clear = new Map<string, Address>();
  for (const probe of [...probes.values()].sort((a, b) => (a.node < b.node ? -1 : 1))) {
    if (nodes.size > 0 && !nodes.has(probe.node)) continue;
    for (const stranger of probe.inUse) {
      const key = addressKey(stranger.address);
      if (!strangers.has(key)) strangers.set(key, { ...stranger, node: probe.node });
    }
    for (const address of probe.clear) clear.set(addressKey(address), address);
  }
  for (const key of strangers.keys()) clear.delete(key);
  return { strangers, clear };
}
