// What is known of one BFD session: the state variables of RFC 5880 §6.8.1, and the times that follow from them. Plain
// data, so that a session can be handed from process to process.
import { diagnostic } from './diagnostic.ts';
import { afterLooking, type Instant } from './instant.ts';
import type { BfdState, ControlPacket } from './message.ts';

/** What the session's owner wants; may change at any time. */
export interface SessionSettings {
  /** While up; a session that is not up sends once a second at most (§6.8.3). */
  readonly desiredMinTxMicroseconds: number;
  readonly requiredMinRxMicroseconds: number;
  /** 1–255. */
  readonly detectMultiplier: number;
  /** Say nothing until the other has spoken. */
  readonly isPassive: boolean;
  /** Between our echo packets, and how often the other may send its own; undefined: no echo. */
  readonly echoIntervalMicroseconds: number | undefined;
}

/** What the other side said last. */
export interface Remote {
  readonly state: BfdState;
  readonly diagnostic: number;
  /** 0: not heard (any more). */
  readonly discriminator: number;
  readonly demand: boolean;
  readonly controlPlaneIndependent: boolean;
  readonly detectMultiplier: number;
  readonly desiredMinTxMicroseconds: number;
  readonly requiredMinRxMicroseconds: number;
  readonly requiredMinEchoRxMicroseconds: number;
}

export interface Session {
  readonly localDiscriminator: number;
  settings: SessionSettings;
  state: BfdState;
  diagnostic: number;
  /** When it came into its state. */
  changedAt: number;
  remote: Remote;
  /** As our packets say. */
  desiredMinTxMicroseconds: number;
  requiredMinRxMicroseconds: number;
  /** In force: a longer transmit interval and a shorter detection time wait for the end of a poll sequence (§6.8.3). */
  activeMinTxMicroseconds: number;
  activeMinRxMicroseconds: number;
  readonly poll: PollSequence;
  readonly echo: EchoFunction;
  /** The last packet that was believed; undefined: none, or a detection time ago. */
  heard: Instant | undefined;
  lastSentAt: number;
  /** By which the other side must have heard the next packet, as far as the last one said. */
  missedAt: number;
  /** The next periodic packet; infinite: none. */
  transmitAt: number;
  /** The interval that `transmitAt` was chosen by. */
  scheduledMilliseconds: number;
  /** The least time that was left when a packet came, and when one was sent, since this was last asked for. */
  leastReceiveSlackMilliseconds: number;
  leastTransmitSlackMilliseconds: number;
}

export interface PollSequence {
  isRunning: boolean;
  /** There is something that the running one, if any, did not tell. */
  isWanted: boolean;
  /** Packets of the running one. */
  sent: number;
  lastSentAt: number;
  /** Until then a final may belong to the one before. */
  quietUntil: number;
}

export interface EchoFunction {
  /** `trying`: none has come back yet, so nothing follows from one that does not. */
  state: 'off' | 'trying' | 'active';
  sequence: number;
  nextAt: number;
  /** The last one that came back. */
  returned: Instant | undefined;
}

/** A session that is not up sends no faster, so that the first packets of many do no harm (§6.8.3). */
export const slowMicroseconds = 1_000_000;

/** Before the other is heard (§6.8.1). */
export const unheard: Remote = {
  state: 'down',
  diagnostic: diagnostic.none,
  discriminator: 0,
  demand: false,
  controlPlaneIndependent: false,
  detectMultiplier: 0,
  desiredMinTxMicroseconds: 0,
  requiredMinRxMicroseconds: 1,
  requiredMinEchoRxMicroseconds: 0,
};

/** New sessions speak within so long, and not all at once. */
const firstWithinMilliseconds = 100;

/** Down, and about to speak unless it is passive. `random`: in [0, 1). */
export function createSession(
  localDiscriminator: number,
  settings: SessionSettings,
  now: Instant,
  random: () => number,
): Session {
  const desiredMinTxMicroseconds = Math.max(slowMicroseconds, settings.desiredMinTxMicroseconds);
  const { requiredMinRxMicroseconds } = settings;
  return {
    localDiscriminator,
    settings,
    state: 'down',
    diagnostic: diagnostic.none,
    changedAt: now.at,
    remote: unheard,
    desiredMinTxMicroseconds,
    requiredMinRxMicroseconds,
    activeMinTxMicroseconds: desiredMinTxMicroseconds,
    activeMinRxMicroseconds: requiredMinRxMicroseconds,
    poll: { isRunning: false, isWanted: false, sent: 0, lastSentAt: 0, quietUntil: 0 },
    echo: { state: 'off', sequence: 0, nextAt: Number.POSITIVE_INFINITY, returned: undefined },
    heard: undefined,
    lastSentAt: Number.NEGATIVE_INFINITY,
    missedAt: Number.POSITIVE_INFINITY,
    transmitAt: settings.isPassive ? Number.POSITIVE_INFINITY : now.at + random() * firstWithinMilliseconds,
    scheduledMilliseconds: desiredMinTxMicroseconds / 1000,
    leastReceiveSlackMilliseconds: Number.POSITIVE_INFINITY,
    leastTransmitSlackMilliseconds: Number.POSITIVE_INFINITY,
  };
}

/** Before jitter (§6.8.2). */
export const transmitInterval = (session: Session): number =>
  Math.max(session.activeMinTxMicroseconds, session.remote.requiredMinRxMicroseconds) / 1000;

/** After so many milliseconds of silence the other is gone (§6.8.4). */
export const detectionTime = ({ remote, activeMinRxMicroseconds }: Session): number =>
  (remote.detectMultiplier * Math.max(activeMinRxMicroseconds, remote.desiredMinTxMicroseconds)) / 1000;

/** After so many the other side takes us for gone, once it has heard what we say now. */
export const remoteDetectionTime = (session: Session): number =>
  (session.settings.detectMultiplier *
    Math.max(session.desiredMinTxMicroseconds, session.remote.requiredMinRxMicroseconds)) /
  1000;

/** When the other has been silent for the detection time; infinite while it is not heard. */
export function detectAt(session: Session, now: Instant): number {
  const { heard } = session;
  return heard === undefined ? Number.POSITIVE_INFINITY : afterLooking(heard, detectionTime(session), now);
}

/** Between two of our echo packets, in milliseconds (§6.8.9). */
export const echoInterval = ({ settings, remote }: Session): number =>
  Math.max(settings.echoIntervalMicroseconds ?? 0, remote.requiredMinEchoRxMicroseconds) / 1000;

/** When our echo packets have been lost for so long that the path is broken. */
export function echoFailsAt(session: Session, now: Instant): number {
  const { echo, settings } = session;
  if (echo.state !== 'active' || echo.returned === undefined) return Number.POSITIVE_INFINITY;
  return afterLooking(echo.returned, settings.detectMultiplier * echoInterval(session), now);
}

/** When the session must be stepped by a tick, if nothing happens before. */
export const nextDeadline = (session: Session, now: Instant): number =>
  Math.min(session.transmitAt, detectAt(session, now), session.echo.nextAt, echoFailsAt(session, now));

/** Its packet as of now (§6.8.7). */
export const controlPacket = (session: Session, answers: 'poll' | 'final' | undefined): ControlPacket => ({
  state: session.state,
  diagnostic: session.diagnostic,
  poll: answers === 'poll',
  final: answers === 'final',
  // Pulse, which these sessions live in, outlives the agent, in which BGP lives.
  controlPlaneIndependent: true,
  // Ours is asynchronous mode; demand is for the other to ask.
  demand: false,
  detectMultiplier: session.settings.detectMultiplier,
  myDiscriminator: session.localDiscriminator,
  yourDiscriminator: session.remote.discriminator,
  desiredMinTxMicroseconds: session.desiredMinTxMicroseconds,
  requiredMinRxMicroseconds: session.requiredMinRxMicroseconds,
  requiredMinEchoRxMicroseconds: session.settings.echoIntervalMicroseconds ?? 0,
  authentication: undefined,
});
