// One peer as the speaker is to have it, and what a change of it costs: nothing, its routes sent again, or its session.
import { isDeepStrictEqual } from 'node:util';
import type { PeerPlan } from '../../announce/bgp/peer-plan.ts';
import type { PeerSettings } from '../../announce/bgp/settings.ts';
import { type Address, type Cidr, cidrContains, formatAddress } from '../../model/address.ts';
import type { PeerPath } from './peer-path.ts';

export interface PeerConfiguration {
  /** Of the BGPPeer. */
  readonly name: string;
  readonly settings: PeerSettings;
  readonly path: PeerPath;
  /** Peers with the same one are told the same routes. */
  readonly audience: string;
  /** Whoever connects from there has a session of its own; undefined: nobody else has. */
  readonly listenRange: Cidr | undefined;
  /** It is one of those. */
  readonly isDynamic: boolean;
}

/** Names the session: that of the BGPPeer, and for those of its range the address besides. */
export const sessionName = ({ name, path, isDynamic }: PeerConfiguration): string =>
  isDynamic ? `${name}/${formatAddress(path.peer)}` : name;

/** For one who connects from the range; undefined: the address is not of it. */
export function dynamicPeer(peer: PeerConfiguration, address: Address): PeerConfiguration | undefined {
  const { listenRange, settings, path } = peer;
  if (listenRange === undefined || !cidrContains(listenRange, address)) return undefined;
  return {
    ...peer,
    settings: { ...settings, isPassive: true },
    path: { ...path, peer: address },
    listenRange: undefined,
    isDynamic: true,
  };
}

export type PeerChange = 'none' | 'audience' | 'session';

export function peerChange(before: PeerConfiguration, after: PeerConfiguration): PeerChange {
  const isSameSession =
    isDeepStrictEqual(before.settings, after.settings) && isDeepStrictEqual(before.path, after.path);
  if (!isSameSession) return 'session';
  return before.audience === after.audience ? 'none' : 'audience';
}

export function configurationFor({
  peer,
  address,
  device,
  settings,
  password,
  audience,
}: PeerPlan): PeerConfiguration {
  return {
    name: peer.name,
    settings,
    path: {
      peer: address,
      peerPort: peer.peerPort,
      local: peer.sourceAddress,
      device,
      // Neighbours that ask for it take nothing less (RFC 5082); whoever does not, does not care.
      ttl: 255,
      minimumTtl: undefined,
      password,
    },
    audience,
    listenRange: peer.listenRange,
    isDynamic: false,
  };
}
