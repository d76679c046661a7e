// BFD control packets as bytes (RFC 5880 §4.1). Reading is total: whatever arrives is a packet or a typed error.
import {
  type AuthenticationSection,
  authenticationLength,
  readAuthentication,
  writeAuthentication,
} from './authentication-section.ts';

export type BfdState = 'admin-down' | 'down' | 'init' | 'up';

/** In the order of their codes. */
export const bfdStates = ['admin-down', 'down', 'init', 'up'] as const satisfies readonly BfdState[];

export interface ControlPacket {
  readonly state: BfdState;
  /** 0–31, see diagnostic.ts. */
  readonly diagnostic: number;
  /** Asks for a packet with `final`; a packet is never both (§6.5). */
  readonly poll: boolean;
  readonly final: boolean;
  /** The sender's BFD does not share fate with its control plane. */
  readonly controlPlaneIndependent: boolean;
  /** The sender asks the receiver to stop its periodic packets while both are up. */
  readonly demand: boolean;
  /** 1–255. */
  readonly detectMultiplier: number;
  /** Not 0. */
  readonly myDiscriminator: number;
  /** What the sender has of the receiver; 0 while it has none, which only `down` and `admin-down` may have. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxMicroseconds: number;
  /** 0: no periodic packets, please. */
  readonly requiredMinRxMicroseconds: number;
  /** 0: echo packets are not sent back. */
  readonly requiredMinEchoRxMicroseconds: number;
  readonly authentication: AuthenticationSection | undefined;
}

/** The checks of §6.8.6 that need no session, in its order. */
export type ControlPacketError =
  | 'short'
  | 'version'
  | 'length'
  | 'detect-multiplier'
  | 'multipoint'
  | 'my-discriminator'
  | 'your-discriminator'
  | 'authentication-section';

export const controlPacketLength = 24;
/** The type and the length of an authentication section, at least. */
const lengthWithAuthentication = 26;

const version = 1;
const bit = {
  poll: 0x20,
  final: 0x10,
  controlPlaneIndependent: 0x08,
  authentication: 0x04,
  demand: 0x02,
  multipoint: 0x01,
} as const;

/** Reads a UDP payload; what follows the packet's own length is not looked at. */
export function readControlPacket(bytes: Uint8Array): ControlPacket | { readonly error: ControlPacketError } {
  if (bytes.length < controlPacketLength) return { error: 'short' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = view.getUint8(0);
  const flags = view.getUint8(1);
  const detectMultiplier = view.getUint8(2);
  const length = view.getUint8(3);
  const hasAuthentication = (flags & bit.authentication) !== 0;
  if (first >> 5 !== version) return { error: 'version' };
  if (length < (hasAuthentication ? lengthWithAuthentication : controlPacketLength))
    return { error: 'length' };
  if (length > bytes.length) return { error: 'length' };
  if (detectMultiplier === 0) return { error: 'detect-multiplier' };
  if ((flags & bit.multipoint) !== 0) return { error: 'multipoint' };
  const myDiscriminator = view.getUint32(4);
  if (myDiscriminator === 0) return { error: 'my-discriminator' };
  const yourDiscriminator = view.getUint32(8);
  const state = bfdStates[flags >> 6] ?? 'down'; // two bits have no other value
  if (yourDiscriminator === 0 && (state === 'init' || state === 'up')) return { error: 'your-discriminator' };
  let authentication: AuthenticationSection | undefined;
  if (hasAuthentication) {
    authentication = readAuthentication(bytes.subarray(controlPacketLength, length));
    if (authentication === undefined) return { error: 'authentication-section' };
  }
  return {
    state,
    diagnostic: first & 0x1f,
    poll: (flags & bit.poll) !== 0,
    final: (flags & bit.final) !== 0,
    controlPlaneIndependent: (flags & bit.controlPlaneIndependent) !== 0,
    demand: (flags & bit.demand) !== 0,
    detectMultiplier,
    myDiscriminator,
    yourDiscriminator,
    desiredMinTxMicroseconds: view.getUint32(12),
    requiredMinRxMicroseconds: view.getUint32(16),
    requiredMinEchoRxMicroseconds: view.getUint32(20),
    authentication,
  };
}

/**
 * Writes into `into` where that has the right length (24 without authentication), else into bytes of its own, which it
 * returns. Numbers beyond their field's width lose their upper bits.
 */
export function writeControlPacket(packet: ControlPacket, into?: Uint8Array): Uint8Array {
  const { authentication } = packet;
  const length = controlPacketLength + (authentication ? authenticationLength(authentication) : 0);
  const bytes = into?.length === length ? into : new Uint8Array(length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  view.setUint8(0, (version << 5) | (packet.diagnostic & 0x1f));
  view.setUint8(
    1,
    (bfdStates.indexOf(packet.state) << 6) |
      (packet.poll ? bit.poll : 0) |
      (packet.final ? bit.final : 0) |
      (packet.controlPlaneIndependent ? bit.controlPlaneIndependent : 0) |
      (authentication ? bit.authentication : 0) |
      (packet.demand ? bit.demand : 0),
  );
  view.setUint8(2, packet.detectMultiplier);
  view.setUint8(3, length);
  view.setUint32(4, packet.myDiscriminator);
  view.setUint32(8, packet.yourDiscriminator);
  view.setUint32(12, packet.desiredMinTxMicroseconds);
  view.setUint32(16, packet.requiredMinRxMicroseconds);
  view.setUint32(20, packet.requiredMinEchoRxMicroseconds);
  if (authentication !== undefined) writeAuthentication(authentication, bytes.subarray(controlPacketLength));
  return bytes;
}
