// Addresses that identify no single host on a network (RFC 6890), by what they are used for.
import { type Address, type Cidr, cidrContains, parseCidr } from '../model/address.ts';

export interface SpecialBlock {
  readonly name: string;
  readonly cidr: Cidr;
}

const block = (name: string, text: string): SpecialBlock => {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`${text} is no CIDR block`);
  return { name, cidr };
};

/** None of them can be a virtual address, nor an endpoint's. */
export const specialBlocks: readonly SpecialBlock[] = [
  block('unspecified', '0.0.0.0/8'),
  block('loopback', '127.0.0.0/8'),
  block('multicast', '224.0.0.0/4'),
  block('broadcast', '255.255.255.255/32'),
  block('unspecified', '::/128'),
  block('loopback', '::1/128'),
  block('IPv4-mapped', '::ffff:0.0.0.0/96'),
  block('multicast', 'ff00::/8'),
];

/** Valid on one link only, so no endpoint's address as other nodes see it. */
const linkLocalBlocks: readonly SpecialBlock[] = [
  // RFC 3927.
  { name: 'link-local', cidr: { address: { family: 'IPv4', value: 0xa9_fe_00_00n }, prefixLength: 16 } },
  block('link-local', 'fe80::/10'),
];

/** What the address is instead of one that any node can forward to; undefined if it is one. */
export const unusableAsEndpoint = (address: Address): string | undefined =>
  [...specialBlocks, ...linkLocalBlocks].find(({ cidr }) => cidrContains(cidr, address))?.name;
