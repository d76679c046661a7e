// Which BGPPeers are this node's, and how the session with each is to be.
import type { Address, Family } from '../../model/address.ts';
import type { BfdProfile, BgpAdvertisement, BgpPeer } from '../../model/bgp.ts';
import type { Node } from '../../model/node.ts';
import { basicAuthType } from '../../model/secret.ts';
import { anySelectorMatches } from '../../model/selector.ts';
import type { World } from '../../model/world.ts';
import type { PeerReason } from './reason.ts';
import { everyone } from './route-table.ts';
import type { PeerSettings } from './settings.ts';

export interface PeerPlan {
  readonly peer: BgpPeer;
  readonly address: Address;
  /** An interface, or the device of a VRF; undefined: by the routing table. */
  readonly device: string | undefined;
  readonly settings: PeerSettings;
  readonly password: string | undefined;
  /** Which of the table's audiences it is of. */
  readonly audience: string;
  readonly bfd: BfdProfile | undefined;
}

/** What only the node itself knows. */
export interface PeerCircumstances {
  /** The link-local address of the router at the other end of an interface, once that is known. */
  neighbourOn(interfaceName: string): Address | undefined;
  /** Others may connect to this node. */
  readonly isListening: boolean;
}

const unknownCircumstances: PeerCircumstances = { neighbourOn: () => undefined, isListening: true };

/** In the order of their names. `unused` tells of each that this node has no session with, or not with all of it. */
export function planPeers(
  world: World,
  node: Node,
  { neighbourOn, isListening } = unknownCircumstances,
): { readonly peers: readonly PeerPlan[]; readonly unused: readonly PeerReason[] } {
  const peers: PeerPlan[] = [];
  const unused: PeerReason[] = [];
  const named = namedPeers(world.bgpAdvertisements.values());
  for (const peer of [...world.bgpPeers.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name, nodeSelectors } = peer;
    const password = passwordOf(world, peer);
    const address = 'interface' in peer.peer ? neighbourOn(peer.peer.interface) : peer.peer.address;
    if (nodeSelectors.length > 0 && !anySelectorMatches(nodeSelectors, node.labels))
      unused.push({ kind: 'peer-not-for-node', peer: name, node: node.name });
    else if ('kind' in password) unused.push(password);
    else if (peer.isPassive && !isListening) unused.push({ kind: 'not-listening', peer: name });
    else if (address === undefined)
      unused.push({ kind: 'neighbour-unknown', peer: name, interface: interfaceOf(peer) ?? '' });
    else {
      if (peer.listenRange !== undefined && !isListening) unused.push({ kind: 'not-listening', peer: name });
      peers.push({
        peer,
        address,
        device: interfaceOf(peer) ?? peer.vrf,
        settings: settingsOf(peer, address, node),
        password: password.text,
        audience: named.has(name) ? name : everyone,
        bfd: peer.bfdProfile === undefined ? undefined : world.bfdProfiles.get(peer.bfdProfile),
      });
    }
  }
  return { peers, unused };
}

/** Of unnumbered peers (RFC 4861, RFC 8950), whose address is not configured but heard. */
const interfaceOf = ({ peer }: BgpPeer): string | undefined =>
  'interface' in peer ? peer.interface : undefined;

/** The interfaces at whose other ends this node's unnumbered peers are. */
export const unnumberedInterfaces = ({ bgpPeers }: World, { labels }: Node): Set<string> =>
  new Set(
    [...bgpPeers.values()]
      .filter(({ nodeSelectors }) => nodeSelectors.length === 0 || anySelectorMatches(nodeSelectors, labels))
      .flatMap((peer) => interfaceOf(peer) ?? []),
  );

/** In the object itself, or in the Secret that it names. */
function passwordOf(
  { secrets }: World,
  { name, password, passwordSecret }: BgpPeer,
): { readonly text: string | undefined } | PeerReason {
  if (passwordSecret === undefined) return { text: password };
  const key = `${passwordSecret.namespace}/${passwordSecret.name}`;
  const secret = secrets.get(key);
  const about = { peer: name, secret: key };
  if (secret === undefined) return { kind: 'secret-missing', ...about };
  if (secret.type !== basicAuthType) return { kind: 'secret-of-other-type', ...about, type: secret.type };
  if (secret.password === undefined) return { kind: 'secret-without-password', ...about };
  return { text: secret.password };
}

/** The peers that some advertisement is for by name. */
export function namedPeers(advertisements: Iterable<BgpAdvertisement>): Set<string> {
  const named = new Set<string>();
  for (const { peers } of advertisements) for (const peer of peers) named.add(peer);
  return named;
}

/** Until then a peer keeps the routes of a node whose agent restarts: time to pull an image, too. */
const restartTimeSeconds = 120;
const endOfRibSeconds = 60;
const connectRetrySeconds = 2;

function settingsOf(peer: BgpPeer, address: Address, node: Node): PeerSettings {
  // Whoever has no address of a family to speak over has both families to speak of.
  const isDualStack = peer.dualStackAddressFamily || interfaceOf(peer) !== undefined;
  const families: readonly Family[] = isDualStack ? ['IPv4', 'IPv6'] : [address.family];
  return {
    localAsn: peer.localAsn ?? peer.myAsn,
    peerAsn: peer.peerAsn,
    routerId: routerIdOf(peer, node),
    families,
    extendedNextHop: address.family === 'IPv6' && isDualStack,
    addPath: [],
    holdTimeSeconds: peer.holdTimeSeconds,
    keepaliveSeconds: peer.keepaliveTimeSeconds,
    connectRetrySeconds: peer.connectTimeSeconds ?? connectRetrySeconds,
    isPassive: peer.isPassive,
    role: peer.role,
    isRoleStrict: peer.isRoleStrict,
    gracefulRestart: peer.enableGracefulRestart
      ? { restartTimeSeconds, longLivedSeconds: peer.longLivedSeconds, endOfRibSeconds }
      : undefined,
  };
}

/** As configured, else the node's IPv4 address, else a number of its name: any but 0 will do (RFC 6286). */
function routerIdOf({ routerId }: BgpPeer, node: Node): number {
  const own = routerId ?? node.addresses.find(({ family }) => family === 'IPv4');
  if (own !== undefined && own.value !== 0n) return Number(own.value);
  let hash = 0x811c9dc5;
  for (let index = 0; index < node.name.length; index++)
    hash = Math.imul(hash ^ node.name.charCodeAt(index), 0x01000193);
  return hash >>> 0 || 1;
}
