// What pulse tells of its BFD sessions.
import { diagnosticText } from '../announce/bfd/diagnostic.ts';
import { detectionTime, transmitInterval } from '../announce/bfd/session.ts';
import type { Entry } from '../announce/bfd/table.ts';
import { formatAddress } from '../model/address.ts';
import type { LinkBfdCounters, LinkBfdState } from './bfd-link.ts';

/** `problem`: of the sockets. `toWallClock`: from the sessions' clock to milliseconds since 1970. */
export function bfdStateOf(
  { key, wanted, session, lowTtl }: Entry,
  toWallClock: (at: number) => number,
  problem: string | undefined,
): LinkBfdState {
  const { remote } = session;
  return {
    key,
    peer: formatAddress(wanted.peer),
    local: wanted.local && formatAddress(wanted.local),
    interface: wanted.interfaceName,
    isMultihop: wanted.isMultihop,
    state: session.state,
    diagnostic: session.diagnostic,
    diagnosticText: diagnosticText(session.diagnostic),
    since: Math.round(toWallClock(session.changedAt)),
    remoteState: remote.state,
    remoteDiagnostic: remote.diagnostic,
    remoteDemand: remote.demand,
    remoteIsControlPlaneIndependent: remote.controlPlaneIndependent,
    localDiscriminator: session.localDiscriminator,
    remoteDiscriminator: remote.discriminator,
    transmitIntervalMilliseconds: transmitInterval(session),
    detectionMilliseconds: detectionTime(session),
    echo: session.echo.state,
    problem: problem ?? (lowTtl === undefined ? undefined : ttlSentence(lowTtl, wanted.minimumTtl)),
  };
}

const ttlSentence = (ttl: number, minimum: number): string =>
  `the peer’s packets arrive with TTL ${ttl}, and the profile’s minimumTtl is ${minimum}: lower it to that, or let the peer send with 255`;

/**
 * Takes the slacks: the next ones are of the time from now on. `spentMilliseconds`: packets have left that much later, at
 * most, than their sessions know.
 */
export function takeBfdCounters(
  { key, session, ...counts }: Entry,
  spentMilliseconds: number,
): LinkBfdCounters {
  const receiveSlackMilliseconds = finite(session.leastReceiveSlackMilliseconds);
  const transmitSlackMilliseconds = finite(session.leastTransmitSlackMilliseconds - spentMilliseconds);
  session.leastReceiveSlackMilliseconds = Number.POSITIVE_INFINITY;
  session.leastTransmitSlackMilliseconds = Number.POSITIVE_INFINITY;
  return {
    key,
    packetsSent: counts.packetsSent,
    packetsReceived: counts.packetsReceived,
    ups: counts.ups,
    downs: counts.downs,
    receiveSlackMilliseconds,
    transmitSlackMilliseconds,
  };
}

const finite = (value: number): number | undefined =>
  Number.isFinite(value) ? Math.round(value * 10) / 10 : undefined;

/** The smaller one; undefined: there is none. */
export const lesser = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
