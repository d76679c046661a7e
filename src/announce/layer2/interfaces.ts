// Which of a node's links may carry announcements.
import { type Address, type Cidr, formatAddress, formatCidr, parseCidr } from '../../model/address.ts';

/** What is read of a link. */
export interface LinkState {
  readonly name: string;
  readonly running: boolean;
  readonly loopback: boolean;
  readonly noArp: boolean;
  readonly mac: Uint8Array;
  readonly masterIndex: number | undefined;
  readonly addresses: readonly { readonly address: Address; readonly prefixLength: number }[];
}

export interface NodeInterface {
  readonly name: string;
  /** It has a carrier. One that is down still tells which subnets would be reached by it. */
  readonly up: boolean;
  /** The subnets on its link; none is fine (a VLAN interface, say). */
  readonly subnets: readonly Cidr[];
}

/**
 * Names that container runtimes, overlay networks and virtual machines give to links which lead to no neighbour of the
 * node. Regular expressions, each for a whole name.
 */
export const defaultExcludedInterfaces: readonly string[] = [
  'lo',
  'docker.*',
  'br-[0-9a-f]{12}',
  'cbr.*',
  'cni.*',
  'cali.*',
  'cilium.*',
  'flannel.*',
  'kube-.*',
  'lxc.*',
  'nodelocaldns',
  'podman.*',
  'tailscale.*',
  'tun.*',
  'veth.*',
  'virbr.*',
  'vxlan.*',
  'wg.*',
];

/** Links that speak ARP over Ethernet and are no member of a bridge or bond: the master answers for its members. */
export function nodeInterfaces(links: readonly LinkState[], excluded: readonly RegExp[]): NodeInterface[] {
  return links
    .filter((link) => !link.loopback && !link.noArp && link.mac.length === 6)
    .filter((link) => link.masterIndex === undefined && !excluded.some((pattern) => pattern.test(link.name)))
    .map(({ name, running, addresses }) => ({ name, up: running, subnets: subnetsOf(addresses) }));
}

/** Patterns match whole names. Throws SyntaxError for one that is no regular expression. */
export const excludePatterns = (patterns: readonly string[]): RegExp[] =>
  patterns.map((pattern) => new RegExp(`^(?:${pattern})$`));

export const sameInterfaces = (a: readonly NodeInterface[], b: readonly NodeInterface[]): boolean =>
  a.length === b.length &&
  a.every(({ name, up, subnets }, index) => {
    const other = b[index];
    return (
      name === other?.name &&
      up === other.up &&
      subnets.length === other.subnets.length &&
      subnets.every(
        ({ address, prefixLength }, at) =>
          prefixLength === other.subnets[at]?.prefixLength &&
          address.value === other.subnets[at]?.address.value,
      )
    );
  });

/** Each once, however many addresses the link has of it. */
function subnetsOf(addresses: LinkState['addresses']): Cidr[] {
  const subnets = addresses.flatMap(subnetOf);
  return [...new Map(subnets.map((subnet) => [formatCidr(subnet), subnet])).values()];
}

/** Link-local subnets are on every link and tell nothing. */
function subnetOf({ address, prefixLength }: { address: Address; prefixLength: number }): Cidr[] {
  if (address.family === 'IPv6' && address.value >> 118n === 0x3fan) return [];
  const cidr = parseCidr(`${formatAddress(address)}/${prefixLength}`);
  return cidr === undefined ? [] : [cidr];
}
