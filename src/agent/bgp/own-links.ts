// This node's interfaces and their addresses, followed for as long as there are peers to be told next hops.
import { networkInterfaces } from 'node:os';
import type { Link } from '../../linux/links.ts';
import { formatAddress } from '../../model/address.ts';
import type { Log } from '../../observe/log.ts';
import type { Interfaces } from './next-hops.ts';

export interface OwnLinks extends Disposable {
  /** As they are now, or were last told. */
  readonly interfaces: Interfaces;
  /** From now on changes are told; called again, nothing happens. */
  follow(): void;
}

/** `changed` hears which addresses the node has no more. */
export type OpenLinks = (changed: (gone: ReadonlySet<string>) => void) => OwnLinks;

/** Without rtnetlink, what there is when it is asked for is all that is known. */
export const openLinks =
  (log: Log): OpenLinks =>
  (changed) => {
    let known: Interfaces | undefined;
    let watch: Disposable | undefined;
    let isWanted = false;
    const take = (links: readonly Link[]): void => {
      const before = known;
      known = interfacesOf(links);
      if (before === undefined || JSON.stringify(before) === JSON.stringify(known)) return;
      changed(addressesOf(before).difference(addressesOf(known)));
    };
    const begin = async (): Promise<void> => {
      // Native code is loaded only where there is a peer.
      const { watchLinks } = await import('../../linux/links.ts');
      if (!isWanted) return;
      try {
        watch = watchLinks(take);
      } catch (error) {
        log.warn('addresses-not-followed', { error, next: advice });
      }
    };
    return {
      get interfaces() {
        return known ?? networkInterfaces();
      },
      follow() {
        if (isWanted) return;
        isWanted = true;
        void begin();
      },
      [Symbol.dispose]() {
        isWanted = false;
        watch?.[Symbol.dispose]();
      },
    };
  };

const interfacesOf = (links: readonly Link[]): Interfaces =>
  Object.fromEntries(
    links.map(({ name, addresses }) => [
      name,
      addresses
        .filter(({ tentative }) => !tentative)
        .map(({ address, prefixLength }) => {
          const text = formatAddress(address);
          return { address: text, cidr: `${text}/${prefixLength}` };
        }),
    ]),
  );

const addressesOf = (interfaces: Interfaces): Set<string> =>
  new Set(Object.values(interfaces).flatMap((entries) => (entries ?? []).map(({ address }) => address)));

const advice =
  'Let the agent open netlink sockets: until then, an address of this node that changes is told to BGP peers only with the next session.';
