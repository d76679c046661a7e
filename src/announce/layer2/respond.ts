// The answer to one frame: pure. What is asked for must be ours, and asked of us.
import { type Address, formatAddress } from '../../model/address.ts';
import { readArp, writeArp } from './arp.ts';
import type { Asker } from './askers.ts';
import { broadcastMac, etherTypeArp, type FrameError, sameBytes, viewOf } from './ethernet.ts';
import { allNodes, multicastMac, readSolicitation, writeAdvertisement } from './ndp.ts';

export type Response =
  | {
      readonly kind: 'answer';
      readonly address: string;
      readonly frame: Uint8Array;
      /** Undefined where it does not say who it is. */
      readonly asker: Asker | undefined;
    }
  /** Somebody asks for what another node of ours may have. */
  | { readonly kind: 'overheard'; readonly address: string; readonly asker: Asker }
  /** Somebody else says that one of our addresses is at its MAC. */
  | { readonly kind: 'conflict'; readonly address: string; readonly mac: Uint8Array }
  | { readonly kind: 'malformed'; readonly error: FrameError['error'] }
  | { readonly kind: 'ignored' };

const ignored: Response = { kind: 'ignored' };

/** `owns` and `knows` are asked with an address in canonical form; `mac` is the interface's own. */
export function respond(
  frame: Uint8Array,
  mac: Uint8Array,
  owns: (address: string) => boolean,
  knows: (address: string) => boolean = () => false,
): Response {
  if (frame.length < 14) return { kind: 'malformed', error: 'too-short' };
  return viewOf(frame).getUint16(12) === etherTypeArp
    ? respondArp(frame, mac, owns, knows)
    : respondNdp(frame, mac, owns);
}

function respondArp(
  frame: Uint8Array,
  mac: Uint8Array,
  owns: (address: string) => boolean,
  knows: (address: string) => boolean,
): Response {
  const message = readArp(frame);
  if ('error' in message) return { kind: 'malformed', error: message.error };
  // A sender that is not the unspecified address claims it: a conflict where it is ours (RFC 5227 §2.4).
  const sender = formatAddress(message.senderIp);
  if (owns(sender) && !sameBytes(message.senderMac, mac)) {
    return { kind: 'conflict', address: sender, mac: message.senderMac };
  }
  if (message.operation !== 'request') return ignored;
  if (!sameBytes(message.destinationMac, broadcastMac) && !sameBytes(message.destinationMac, mac))
    return ignored;
  const target = formatAddress(message.targetIp);
  // A probe is of nobody yet (RFC 5227 §2.1.1).
  const asker =
    message.senderIp.value === 0n ? undefined : { address: message.senderIp, mac: message.senderMac };
  if (!owns(target)) {
    return asker !== undefined && knows(target) ? { kind: 'overheard', address: target, asker } : ignored;
  }
  const answer = writeArp({
    destinationMac: message.senderMac,
    operation: 'reply',
    senderMac: mac,
    senderIp: message.targetIp,
    targetMac: message.senderMac,
    targetIp: message.senderIp,
  });
  return { kind: 'answer', address: target, frame: answer, asker };
}

function respondNdp(frame: Uint8Array, mac: Uint8Array, owns: (address: string) => boolean): Response {
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
  if (!owns(target)) return ignored;
  // Without a source address there is nobody to answer alone: all nodes are told, unsolicited (RFC 4861 §7.2.4).
  const probe = message.source.value === 0n;
  const destination: Address = probe ? allNodes : message.source;
  const askerMac = message.sourceLinkLayer ?? message.sourceMac;
  const answer = writeAdvertisement({
    sourceMac: mac,
    destinationMac: probe ? multicastMac(allNodes) : askerMac,
    source: message.target,
    destination,
    target: message.target,
    solicited: !probe,
    override: true,
  });
  const asker = probe ? undefined : { address: message.source, mac: askerMac };
  return { kind: 'answer', address: target, frame: answer, asker };
}
