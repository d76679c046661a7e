// What two OPENs come to: the features that both sides have, or why the session cannot be (RFC 4271 §6.2, RFC 5492 §3).
import type { Family } from '../../model/address.ts';
import type { BgpRole } from '../../model/bgp.ts';
import { familyOf, unicastOf } from './address-family.ts';
import type { Capability, GracefulRestart, LongLivedFamily } from './capability.ts';
import { type Notification, notification } from './notification.ts';
import { errorCode, openError } from './notification-code.ts';
import type { Open } from './open.ts';
import type { PeerSettings } from './settings.ts';

export interface Agreement {
  readonly peerAsn: number;
  readonly peerRouterId: number;
  readonly isInternal: boolean;
  /** 0: none. */
  readonly holdTimeSeconds: number;
  readonly keepaliveMilliseconds: number;
  readonly families: readonly Family[];
  readonly isFourByteAs: boolean;
  readonly isExtended: boolean;
  readonly hasRouteRefresh: boolean;
  readonly hasEnhancedRefresh: boolean;
  readonly hasExtendedNextHop: boolean;
  /** Families of which we may send several paths. */
  readonly addPath: readonly Family[];
  readonly peerRestart: GracefulRestart | undefined;
  readonly peerLongLived: readonly LongLivedFamily[];
  readonly peerRole: BgpRole | undefined;
  /** All that its OPEN had, each once. */
  readonly peerCapabilities: readonly Capability['kind'][];
}

export type OpenRefusal =
  | { readonly kind: 'wrong-as'; readonly found: number; readonly wanted: PeerSettings['peerAsn'] }
  | { readonly kind: 'own-router-id'; readonly routerId: number }
  | { readonly kind: 'no-common-family' }
  | { readonly kind: 'role-mismatch'; readonly ours: BgpRole; readonly theirs: BgpRole | undefined };

export function refusalText(refusal: OpenRefusal): string {
  switch (refusal.kind) {
    case 'wrong-as':
      return `the peer says it is AS ${refusal.found}, but ${refusal.wanted} is configured`;
    case 'own-router-id':
      return `the peer has the router ID of this node, ${dotted(refusal.routerId)}: give one of them another`;
    case 'no-common-family':
      return 'the peer speaks none of the address families that are configured';
    case 'role-mismatch':
      return `the peer's role is ${refusal.theirs ?? 'not told'}, which does not go with ours, ${refusal.ours}`;
    default:
      return refusal satisfies never;
  }
}

const dotted = (id: number): string => [24, 16, 8, 0].map((shift) => (id >>> shift) & 255).join('.');

export function refusalNotification(refusal: OpenRefusal): Notification {
  switch (refusal.kind) {
    case 'wrong-as':
      return notification(errorCode.open, openError.peerAs);
    case 'own-router-id':
      return notification(errorCode.open, openError.identifier);
    case 'no-common-family':
      return notification(errorCode.open, openError.capability);
    case 'role-mismatch':
      return notification(errorCode.open, openError.roleMismatch);
    default:
      return refusal satisfies never;
  }
}

/** Whom each role goes with (RFC 9234 §4.2). */
const counterpart: Readonly<Record<BgpRole, BgpRole>> = {
  provider: 'customer',
  customer: 'provider',
  'route-server': 'route-server-client',
  'route-server-client': 'route-server',
  peer: 'peer',
};

/** `isRestarting`: we have just restarted, and forwarded all the while (RFC 4724 §4.1). */
export function ourOpen(settings: PeerSettings, isRestarting: boolean): Open {
  const { localAsn, families, gracefulRestart: restart, role } = settings;
  const capabilities: Capability[] = families.map((family) => ({
    kind: 'multiprotocol',
    ...unicastOf(family),
  }));
  capabilities.push({ kind: 'route-refresh' });
  if (settings.extendedNextHop && families.includes('IPv4'))
    capabilities.push({
      kind: 'extended-next-hop',
      families: [{ ...unicastOf('IPv4'), nextHopAfi: unicastOf('IPv6').afi }],
    });
  capabilities.push({ kind: 'extended-message' });
  if (role !== undefined) capabilities.push({ kind: 'role', role });
  const kept = families.map((family) => ({ ...unicastOf(family), isForwarding: isRestarting }));
  if (restart !== undefined)
    capabilities.push({
      kind: 'graceful-restart',
      isRestarting,
      coversNotifications: true,
      restartTimeSeconds: restart.restartTimeSeconds,
      families: kept,
    });
  capabilities.push({ kind: 'four-byte-as', asn: localAsn });
  if (settings.addPath.length > 0)
    capabilities.push({
      kind: 'add-path',
      families: settings.addPath.map((family) => ({
        ...unicastOf(family),
        canReceive: false,
        canSend: true,
      })),
    });
  capabilities.push({ kind: 'enhanced-route-refresh' });
  if (restart !== undefined && restart.longLivedSeconds > 0)
    capabilities.push({
      kind: 'long-lived-graceful-restart',
      families: kept.map((family) => ({ ...family, staleTimeSeconds: restart.longLivedSeconds })),
    });
  const { holdTimeSeconds, routerId } = settings;
  return { kind: 'open', asn: localAsn, holdTimeSeconds, routerId, capabilities };
}

export function agree(settings: PeerSettings, theirs: Open): Agreement | { readonly refusal: OpenRefusal } {
  const { localAsn, peerAsn } = settings;
  const isInternal = theirs.asn === localAsn;
  const isWanted =
    typeof peerAsn === 'number' ? theirs.asn === peerAsn : isInternal === (peerAsn === 'internal');
  if (!isWanted) return { refusal: { kind: 'wrong-as', found: theirs.asn, wanted: peerAsn } };
  // The same identifier is an error inside an AS only (RFC 6286 §2.2).
  if (isInternal && theirs.routerId === settings.routerId)
    return { refusal: { kind: 'own-router-id', routerId: theirs.routerId } };
  const peerRole = find(theirs, 'role')?.role;
  const refusal = isInternal ? undefined : roleRefusal(settings, peerRole);
  if (refusal !== undefined) return { refusal };
  const families = commonFamilies(settings, theirs);
  if (families.length === 0) return { refusal: { kind: 'no-common-family' } };
  const holdTimeSeconds = Math.min(settings.holdTimeSeconds, theirs.holdTimeSeconds);
  const receivesPaths = find(theirs, 'add-path')
    ?.families.filter((one) => one.canReceive)
    .map(familyOf);
  const nextHops = find(theirs, 'extended-next-hop')?.families ?? [];
  return {
    peerAsn: theirs.asn,
    peerRouterId: theirs.routerId,
    isInternal,
    holdTimeSeconds,
    keepaliveMilliseconds: 1000 * Math.min(settings.keepaliveSeconds, holdTimeSeconds / 3),
    families,
    isFourByteAs: find(theirs, 'four-byte-as') !== undefined,
    isExtended: find(theirs, 'extended-message') !== undefined,
    hasRouteRefresh: find(theirs, 'route-refresh') !== undefined,
    hasEnhancedRefresh: find(theirs, 'enhanced-route-refresh') !== undefined,
    hasExtendedNextHop:
      settings.extendedNextHop &&
      nextHops.some((one) => familyOf(one) === 'IPv4' && one.nextHopAfi === unicastOf('IPv6').afi),
    addPath: settings.addPath.filter((family) => receivesPaths?.includes(family)),
    peerRestart: settings.gracefulRestart && find(theirs, 'graceful-restart'),
    peerLongLived: find(theirs, 'long-lived-graceful-restart')?.families ?? [],
    peerRole,
    peerCapabilities: [...new Set(theirs.capabilities.map(({ kind }) => kind))],
  };
}

/** Who tells no family speaks classic IPv4 (RFC 4760 §8). */
function commonFamilies(settings: PeerSettings, theirs: Open): Family[] {
  const told = theirs.capabilities.filter((one) => one.kind === 'multiprotocol').map(familyOf);
  return settings.families.filter((family) =>
    told.length === 0 ? family === 'IPv4' : told.includes(family),
  );
}

function roleRefusal(settings: PeerSettings, theirs: BgpRole | undefined): OpenRefusal | undefined {
  const ours = settings.role;
  if (ours === undefined) return undefined;
  const isFit = theirs === undefined ? !settings.isRoleStrict : counterpart[ours] === theirs;
  return isFit ? undefined : { kind: 'role-mismatch', ours, theirs };
}

function find<K extends Capability['kind']>(
  { capabilities }: Open,
  kind: K,
): Extract<Capability, { kind: K }> | undefined {
  return capabilities.find((one): one is Extract<Capability, { kind: K }> => one.kind === kind);
}
