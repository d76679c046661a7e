// The capabilities of an OPEN (RFC 5492): those that Gantry knows as values, all others kept as they came.
import type { BgpRole } from '../../model/bgp.ts';
import type { AfiSafi } from './address-family.ts';
import {
  bytesOf,
  copyOf,
  newWritten,
  number16,
  number32,
  put8,
  put16,
  put32,
  putBytes,
  type Written,
} from './bytes.ts';

export type Capability =
  /** RFC 4760 §8 */
  | ({ readonly kind: 'multiprotocol' } & AfiSafi)
  /** RFC 2918 */
  | { readonly kind: 'route-refresh' }
  /** RFC 8950 §4 */
  | { readonly kind: 'extended-next-hop'; readonly families: readonly NextHopFamily[] }
  /** RFC 8654 */
  | { readonly kind: 'extended-message' }
  /** RFC 9234 §4.1 */
  | { readonly kind: 'role'; readonly role: BgpRole }
  /** RFC 4724 §3, RFC 8538 §2 */
  | GracefulRestart
  /** RFC 6793 */
  | { readonly kind: 'four-byte-as'; readonly asn: number }
  /** RFC 7911 §4 */
  | { readonly kind: 'add-path'; readonly families: readonly AddPathFamily[] }
  /** RFC 7313 */
  | { readonly kind: 'enhanced-route-refresh' }
  /** RFC 9494 §3.1 */
  | { readonly kind: 'long-lived-graceful-restart'; readonly families: readonly LongLivedFamily[] }
  /** One that we do not know, or whose value is not what its code asks for. */
  | { readonly kind: 'unknown'; readonly code: number; readonly value: Uint8Array };

export interface NextHopFamily extends AfiSafi {
  readonly nextHopAfi: number;
}

export interface GracefulRestart {
  readonly kind: 'graceful-restart';
  /** R: the sender has just restarted. */
  readonly isRestarting: boolean;
  /** N: NOTIFICATIONs but Hard Reset keep the routes too (RFC 8538). */
  readonly coversNotifications: boolean;
  /** 0–4095. */
  readonly restartTimeSeconds: number;
  readonly families: readonly RestartFamily[];
}

export interface RestartFamily extends AfiSafi {
  /** F: forwarding went on through the restart. */
  readonly isForwarding: boolean;
}

export interface AddPathFamily extends AfiSafi {
  readonly canReceive: boolean;
  readonly canSend: boolean;
}

export interface LongLivedFamily extends RestartFamily {
  /** 24 bits. */
  readonly staleTimeSeconds: number;
}

/** In the order of their codes. */
const roles = [
  'provider',
  'route-server',
  'route-server-client',
  'customer',
  'peer',
] as const satisfies readonly BgpRole[];

export const capabilityCode = {
  multiprotocol: 1,
  'route-refresh': 2,
  'extended-next-hop': 5,
  'extended-message': 6,
  role: 9,
  'graceful-restart': 64,
  'four-byte-as': 65,
  'add-path': 69,
  'enhanced-route-refresh': 70,
  'long-lived-graceful-restart': 71,
} as const satisfies Record<Exclude<Capability['kind'], 'unknown'>, number>;

/** Total: what is not well formed is `unknown`. `value` is copied where it is kept. */
export const readCapability = (code: number, value: Uint8Array): Capability =>
  readKnown(code, value) ?? { kind: 'unknown', code, value: copyOf(value) };

function readKnown(code: number, value: Uint8Array): Capability | undefined {
  switch (code) {
    case capabilityCode.multiprotocol:
      return value.length === 4
        ? { kind: 'multiprotocol', afi: number16(value, 0), safi: value[3] ?? 0 }
        : undefined;
    case capabilityCode['route-refresh']:
      return value.length === 0 ? { kind: 'route-refresh' } : undefined;
    case capabilityCode['extended-next-hop']: {
      const families = entries(value, 6, (at) => ({
        afi: number16(value, at),
        safi: number16(value, at + 2),
        nextHopAfi: number16(value, at + 4),
      }));
      return families && { kind: 'extended-next-hop', families };
    }
    case capabilityCode['extended-message']:
      return value.length === 0 ? { kind: 'extended-message' } : undefined;
    case capabilityCode.role: {
      const role = value.length === 1 ? roles[value[0] ?? 0] : undefined;
      return role && { kind: 'role', role };
    }
    case capabilityCode['graceful-restart']:
      return readGracefulRestart(value);
    case capabilityCode['four-byte-as']:
      return value.length === 4 ? { kind: 'four-byte-as', asn: number32(value, 0) } : undefined;
    case capabilityCode['add-path']: {
      const families = entries(value, 4, (at) => {
        const mode = value[at + 3] ?? 0;
        return { ...familyAt(value, at), canReceive: (mode & 1) !== 0, canSend: (mode & 2) !== 0 };
      });
      return families && { kind: 'add-path', families };
    }
    case capabilityCode['enhanced-route-refresh']:
      return value.length === 0 ? { kind: 'enhanced-route-refresh' } : undefined;
    case capabilityCode['long-lived-graceful-restart']: {
      const families = entries(value, 7, (at) => ({
        ...restartFamilyAt(value, at),
        staleTimeSeconds: number32(value, at + 3) % 0x100_0000,
      }));
      return families && { kind: 'long-lived-graceful-restart', families };
    }
    default:
      return undefined;
  }
}

function readGracefulRestart(value: Uint8Array): GracefulRestart | undefined {
  if (value.length < 2) return undefined;
  const first = number16(value, 0);
  const rest = value.subarray(2);
  const families = entries(rest, 4, (at) => restartFamilyAt(rest, at));
  return (
    families && {
      kind: 'graceful-restart',
      isRestarting: (first & 0x8000) !== 0,
      coversNotifications: (first & 0x4000) !== 0,
      restartTimeSeconds: first & 0xfff,
      families,
    }
  );
}

const familyAt = (bytes: Uint8Array, at: number): AfiSafi => ({
  afi: number16(bytes, at),
  safi: bytes[at + 2] ?? 0,
});

const restartFamilyAt = (bytes: Uint8Array, at: number): RestartFamily => ({
  ...familyAt(bytes, at),
  isForwarding: ((bytes[at + 3] ?? 0) & 0x80) !== 0,
});

/** Undefined where the value is not made of whole entries. */
function entries<T>(value: Uint8Array, size: number, read: (at: number) => T): T[] | undefined {
  if (value.length % size !== 0) return undefined;
  const all: T[] = [];
  for (let at = 0; at < value.length; at += size) all.push(read(at));
  return all;
}

/** Writes code, length and value. Throws a RangeError for a value of more than 255 bytes: dozens of families. */
export function putCapability(into: Written, capability: Capability): void {
  const value = newWritten(16);
  putValue(value, capability);
  if (value.length > 255) throw new RangeError(`a capability of ${value.length} bytes`);
  put8(into, capability.kind === 'unknown' ? capability.code : capabilityCode[capability.kind]);
  put8(into, value.length);
  putBytes(into, bytesOf(value));
}

function putValue(into: Written, capability: Capability): void {
  switch (capability.kind) {
    case 'route-refresh':
    case 'extended-message':
    case 'enhanced-route-refresh':
      break;
    case 'multiprotocol':
      put16(into, capability.afi);
      put16(into, capability.safi);
      break;
    case 'extended-next-hop':
      for (const { afi, safi, nextHopAfi } of capability.families)
        for (const number of [afi, safi, nextHopAfi]) put16(into, number);
      break;
    case 'role':
      put8(into, roles.indexOf(capability.role));
      break;
    case 'graceful-restart':
      put16(
        into,
        (capability.isRestarting ? 0x8000 : 0) |
          (capability.coversNotifications ? 0x4000 : 0) |
          (capability.restartTimeSeconds & 0xfff),
      );
      for (const family of capability.families) putFamily(into, family, family.isForwarding ? 0x80 : 0);
      break;
    case 'four-byte-as':
      put32(into, capability.asn);
      break;
    case 'add-path':
      for (const family of capability.families)
        putFamily(into, family, (family.canReceive ? 1 : 0) | (family.canSend ? 2 : 0));
      break;
    case 'long-lived-graceful-restart':
      for (const family of capability.families) {
        putFamily(into, family, family.isForwarding ? 0x80 : 0);
        put8(into, family.staleTimeSeconds >>> 16);
        put16(into, family.staleTimeSeconds);
      }
      break;
    case 'unknown':
      putBytes(into, capability.value);
      break;
    default:
      capability satisfies never;
  }
}

function putFamily(into: Written, { afi, safi }: AfiSafi, last: number): void {
  put16(into, afi);
  put8(into, safi);
  put8(into, last);
}
