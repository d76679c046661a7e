// The answer to one frame: pure. What is asked for must be ours, and asked of us.
import { formatAddress } from '../../model/address.ts';
import { readArp, writeArp } from './arp.ts';
import type { Asker } from './askers.ts';
import { broadcastMac, etherTypeArp, type FrameError, sameBytes, viewOf } from './ethernet.ts';
import { allNodes, multicastMac } from './icmpv6.ts';
import { readSolicitation, writeAdvertisement } from './ndp.ts';

/** Whose the addresses are. Addresses are in canonical form, keys are of holdings (share.ts): an address or its share. */
export interface Registry {
  /** The address, or any share of it, is ours. */
  owns(address: string): boolean;
  /** By which holding of ours the neighbour is answered; undefined: by none. `mac`: it sends from there. */
  ownedKey(address: string, mac: Uint8Array): string | undefined;
  /** The holding that the neighbour belongs to, where it may become ours. */
  knownKey(address: string, mac: Uint8Array): string | undefined;
}

export type Response =
  | {
      readonly kind: 'answer';
      readonly address: string;
      /** Of the holding: the address, or its share. */
      readonly key: string;
      readonly frame: Uint8Array;
      /** Undefined where it does not say who it is. */
      readonly asker: Asker | undefined;
    }
  /** Somebody asks for what another node of ours may have. */
  | { readonly kind: 'overheard'; readonly key: string; readonly asker: Asker }
  /** Somebody else says that one of our addresses is at its MAC. */
  | { readonly kind: 'conflict'; readonly address: string; readonly mac: Uint8Array }
  | { readonly kind: 'malformed'; readonly error: FrameError['error'] }
  | { readonly kind: 'ignored' };

const ignored: Response = { kind: 'ignored' };

/** `mac` is the interface's own. */
export function respond(frame: Uint8Array, mac: Uint8Array, registry: Registry): Response {
  if (frame.length < 14) return { kind: 'malformed', error: 'too-short' };
  return viewOf(frame).getUint16(12) === etherTypeArp
    ? respondArp(frame, mac, registry)
    : respondNdp(frame, mac, registry);
}

/** The Ethernet header's, since it is in packets too, and in every solicitation. */
const sourceMac = (frame: Uint8Array): Uint8Array => frame.subarray(6, 12);

function respondArp(frame: Uint8Array, mac: Uint8Array, registry: Registry): Response {
  const message = readArp(frame);
  if ('error' in message) return { kind: 'malformed', error: message.error };
  // A sender that is not the unspecified address claims it: a conflict where it is ours (RFC 5227 §2.4).
  const sender = formatAddress(message.senderIp);
  if (registry.owns(sender) && !sameBytes(message.senderMac, mac)) {
    return { kind: 'conflict', address: sender, mac: message.senderMac };
  }
  if (message.operation !== 'request') return ignored;
  if (!sameBytes(message.destinationMac, broadcastMac) && !sameBytes(message.destinationMac, mac))
    return ignored;
  const target = formatAddress(message.targetIp);
  // A probe is of nobody yet (RFC 5227 §2.1.1).
  const asker =
    message.senderIp.value === 0n ? undefined : { address: message.senderIp, mac: message.senderMac };
  const key = registry.ownedKey(target, sourceMac(frame));
  if (key === undefined) return overheard(registry, target, frame, asker);
  const answer = writeArp({
    destinationMac: message.senderMac,
    operation: 'reply',
    senderMac: mac,
    senderIp: message.targetIp,
    targetMac: message.senderMac,
    targetIp: message.senderIp,
  });
  return { kind: 'answer', address: target, key, frame: answer, asker };
}

function overheard(
  registry: Registry,
  target: string,
  frame: Uint8Array,
  asker: Asker | undefined,
): Response {
  if (asker === undefined) return ignored;
  const key = registry.knownKey(target, sourceMac(frame));
  return key === undefined ? ignored : { kind: 'overheard', key, asker };
}

function respondNdp(frame: Uint8Array, mac: Uint8Array, registry: Registry): Response {
  const message = readSolicitation(frame);
  if ('error' in message) {
    return message.error === 'not-neighbour-discovery'
      ? ignored
      : { kind: 'malformed', error: message.error };
  }
  // To our own MAC, or to a multicast group (the target decides which).
  const multicast = message.destinationMac[0] === 0x33 && message.destinationMac[1] === 0x33;
  if (!multicast && !sameBytes(message.destinationMac, mac)) return ignored;
  const target = formatAddress(message.target);
  // Without a source address there is nobody to answer alone: all nodes are told, unsolicited (RFC 4861 §7.2.4).
  const probe = message.source.value === 0n;
  const askerMac = message.sourceLinkLayer ?? message.sourceMac;
  const asker = probe ? undefined : { address: message.source, mac: askerMac };
  const key = registry.ownedKey(target, sourceMac(frame));
  if (key === undefined) return overheard(registry, target, frame, asker);
  const answer = writeAdvertisement({
    sourceMac: mac,
    destinationMac: probe ? multicastMac(allNodes) : askerMac,
    source: message.target,
    destination: probe ? allNodes : message.source,
    target: message.target,
    solicited: !probe,
    // Who belongs to another share keeps to its own node (RFC 4861 §7.2.5: without the flag no cache is changed).
    override: !probe || key === target,
  });
  return { kind: 'answer', address: target, key, frame: answer, asker };
}
