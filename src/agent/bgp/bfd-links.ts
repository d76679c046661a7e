// BFD for the peers that have a profile: the sessions that pulse is to have, and what their ups and downs mean for BGP.
import type { PeerPlan } from '../../announce/bgp/peer-plan.ts';
import { formatAddress, isLinkLocal } from '../../model/address.ts';
import type { BfdFromPulse, BfdToPulse, LinkBfdSession, LinkBfdState } from '../../pulse/bfd-link.ts';
import { type BfdSessions, createBfdSessions } from '../bfd-sessions.ts';

export interface BfdLinks {
  readonly sessions: BfdSessions;
  want(peers: readonly PeerPlan[]): void;
  /** Pulse is connected anew. */
  connected(): void;
  take(message: BfdFromPulse): void;
  /** Of the peer's session; undefined: it has none. */
  stateOf(peer: string): LinkBfdState | undefined;
}

export interface BfdLinksOptions {
  send(message: BfdToPulse): void;
  /** The session is up now, or was and is not. */
  changed(peer: string, isUp: boolean): void;
  isOnLink(plan: PeerPlan): boolean;
}

export function createBfdLinks({ send, changed, isOnLink }: BfdLinksOptions): BfdLinks {
  let wanted = new Map<string, LinkBfdSession>();

  const peersOf = ({ peer, isMultihop, interface: device }: LinkBfdState): string[] =>
    [...wanted].flatMap(([name, one]) =>
      one.peer === peer && one.isMultihop === isMultihop && one.interface === device ? [name] : [],
    );

  const sessions = createBfdSessions({
    send,
    changed(before, after) {
      if (after === undefined) return;
      const [wasUp, isUp] = [before?.state === 'up', after.state === 'up'];
      // Who switches BFD off on the other side says nothing of the path (RFC 5882 §4.2).
      const isMeant = after.remoteState !== 'admin-down';
      if (isUp !== wasUp && (isUp || isMeant)) for (const peer of peersOf(after)) changed(peer, isUp);
    },
  });

  return {
    sessions,
    want(peers) {
      wanted = new Map(
        peers.flatMap((plan) => {
          const session = sessionOf(plan, isOnLink(plan));
          return session === undefined ? [] : [[plan.peer.name, session] as const];
        }),
      );
      sessions.want([...wanted.values()]);
    },
    connected: () => sessions.connected(),
    take: (message) => sessions.take(message),
    stateOf(peer) {
      const session = wanted.get(peer);
      if (session === undefined) return undefined;
      return [...sessions.states.values()].find((state) => peersOf(state).includes(peer));
    },
  };
}

/** Over several hops where BGP goes over several, too (RFC 5882 §10.2). */
function sessionOf({ peer, address, device, bfd }: PeerPlan, isNear: boolean): LinkBfdSession | undefined {
  if (bfd === undefined) return undefined;
  const { name: _, ...profile } = bfd;
  const local = peer.sourceAddress === undefined ? {} : { local: formatAddress(peer.sourceAddress) };
  const link = isLinkLocal(address) && device !== undefined ? { interface: device } : {};
  return {
    peer: formatAddress(address),
    ...local,
    ...link,
    isMultihop: peer.ebgpMultiHop || !isNear,
    profile,
  };
}
