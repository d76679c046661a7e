// Why this node does not announce an address by BGP, or has no session with a peer: beyond what holds for every protocol.
import { type Sentences, sentence } from '../../model/reason.ts';
import { basicAuthType } from '../../model/secret.ts';
import { type AnnounceReason, announceSentence, type NodeReason } from '../reason.ts';

export type BgpReason =
  | {
      readonly kind: 'no-bgp-advertisement';
      readonly service: string;
      readonly address: string;
      readonly pool: string;
    }
  | { readonly kind: 'node-drained'; readonly node: string }
  | { readonly kind: 'no-bgp-peer'; readonly node: string; readonly advertisements: readonly string[] }
  | { readonly kind: 'unknown-community'; readonly advertisement: string; readonly community: string };

export type PeerReason =
  | { readonly kind: 'peer-not-for-node'; readonly peer: string; readonly node: string }
  | { readonly kind: 'secret-missing'; readonly peer: string; readonly secret: string }
  | {
      readonly kind: 'secret-of-other-type';
      readonly peer: string;
      readonly secret: string;
      readonly type: string;
    }
  | { readonly kind: 'secret-without-password'; readonly peer: string; readonly secret: string }
  | { readonly kind: 'neighbour-unknown'; readonly peer: string; readonly interface: string }
  | { readonly kind: 'not-listening'; readonly peer: string }
  | { readonly kind: 'no-next-hop'; readonly peer: string; readonly family: string };

const sentences: Sentences<BgpReason | PeerReason> = {
  'no-bgp-advertisement': ({ service, address, pool }) =>
    `No BGPAdvertisement covers ${address} of ${service}, which is of pool ${pool}: add one that names the pool, or none.`,
  'node-drained': ({ node }) =>
    `${node} is drained, so it has withdrawn its routes: gantry drain --undo there lets it announce again.`,
  'no-bgp-peer': ({ node, advertisements }) =>
    `${advertisements.join(', ')} is for no BGPPeer that ${node} has: add a peer, or widen the node selectors of one.`,
  'unknown-community': ({ advertisement, community }) =>
    `No Community has an entry named ${community}, so ${advertisement} goes without it: add one, or write the value.`,
  'peer-not-for-node': ({ peer, node }) =>
    `The node selectors of the BGPPeer ${peer} leave ${node} out: label the node, or widen a selector.`,
  'secret-missing': ({ peer, secret }) =>
    `The BGPPeer ${peer} has its password in the Secret ${secret}, and there is none of type ${basicAuthType} by that name in Gantry's namespace: add it.`,
  'secret-of-other-type': ({ peer, secret, type }) =>
    `The BGPPeer ${peer} has its password in the Secret ${secret}, which is of type ${type}: make one of type ${basicAuthType} in its place.`,
  'secret-without-password': ({ peer, secret }) =>
    `The BGPPeer ${peer} has its password in the Secret ${secret}, which has no key password, or an empty one: add it.`,
  'neighbour-unknown': ({ peer, interface: name }) =>
    `The BGPPeer ${peer} is the router on ${name}, and none has been heard there: let it send router advertisements (in FRR neighbor INTERFACE interface does so), and look at the cable and at this node's link-local address.`,
  'not-listening': ({ peer }) =>
    `The BGPPeer ${peer} lets others connect, and no port of this node is open to them: start the agent with --bgp-listen 179.`,
  'no-next-hop': ({ peer, family }) =>
    `This node has no ${family} address on the way to the BGPPeer ${peer}, so it announces no ${family} routes to it: add one to the interface.`,
};

/** What is wrong, and what to do about it. */
export const bgpSentence = (reason: BgpReason | PeerReason): string => sentence(sentences, reason);

/** The same for all that a plan says, of BGP or of every protocol. */
export const bgpPlanSentence = (reason: AnnounceReason | NodeReason | BgpReason): string =>
  isBgpReason(reason) ? bgpSentence(reason) : announceSentence(reason);

const isBgpReason = (reason: { readonly kind: string }): reason is BgpReason =>
  Object.hasOwn(sentences, reason.kind);
