// Who is at the other end of an interface, by the router advertisements heard there, and when to say that we are here.
import { type Address, sameAddress } from '../../model/address.ts';

/** Times are milliseconds of a monotonic clock. */
export interface LinkNeighbour {
  /** Undefined: nobody has been heard. */
  address: Address | undefined;
  heardAt: number;
  /** Another router is on the link, too. */
  hasRival: boolean;
  /** How often we have said so since the link came up. */
  told: number;
  nextAt: number;
}

/** Ours go out so often once all is said: FRR's pace, which it has for such peers. */
export const advertisingMilliseconds = 10_000;
/** At first, and after somebody new is heard: a peer connects by what it hears. */
const eagerMilliseconds = 1000;
const eagerTimes = 4;
/** Whoever has not been heard for so long may be followed by another. */
const patienceMilliseconds = 3.5 * advertisingMilliseconds;

export const newLinkNeighbour = (now: number): LinkNeighbour => ({
  address: undefined,
  heardAt: Number.NEGATIVE_INFINITY,
  hasRival: false,
  told: 0,
  nextAt: now,
});

/**
 * A router has said that it is there. The first one stays the neighbour for as long as it is heard; its silence alone does
 * not end a session, since that has timers of its own.
 */
export function heardRouter(
  link: LinkNeighbour,
  source: Address,
  now: number,
): 'known' | 'neighbour' | 'rival' | 'known-rival' {
  const { address } = link;
  if (address !== undefined && sameAddress(address, source)) {
    link.heardAt = now;
    return 'known';
  }
  if (address !== undefined && now - link.heardAt <= patienceMilliseconds) {
    const isNews = !link.hasRival;
    link.hasRival = true;
    return isNews ? 'rival' : 'known-rival';
  }
  link.address = source;
  link.heardAt = now;
  link.hasRival = false;
  link.told = 0;
  link.nextAt = Math.min(link.nextAt, now);
  return 'neighbour';
}

/** The carrier was lost: whoever speaks next is the neighbour, the one that was or another. */
export function lostCarrier(link: LinkNeighbour, now: number): void {
  link.heardAt = Number.NEGATIVE_INFINITY;
  link.told = 0;
  link.nextAt = now;
}

/** We have said that we are here. */
export function advertised(link: LinkNeighbour, now: number): void {
  link.told++;
  link.nextAt = now + (link.told < eagerTimes ? eagerMilliseconds : advertisingMilliseconds);
}

/** Nobody was heard though we have spoken for a while. */
export const isLonely = ({ address, told }: LinkNeighbour): boolean =>
  address === undefined && told === eagerTimes + 1;
