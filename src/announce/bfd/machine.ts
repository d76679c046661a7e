// One BFD session as a machine (RFC 5880 §6.8): packets, times and its owner's wishes go in; packets and changes come out.
// Pure but for the session that it is given.
import { diagnostic } from './diagnostic.ts';
import { stepEcho, stopEcho } from './echo.ts';
import type { Instant } from './instant.ts';
import type { ControlPacket } from './message.ts';
import { endPoll, mayPoll, noPoll, notePoll, wantPoll } from './poll-sequence.ts';
import {
  controlPacket,
  detectAt,
  remoteDetectionTime,
  type Session,
  type SessionSettings,
  slowMicroseconds,
  transmitInterval,
  unheard,
} from './session.ts';
import type { SessionEffect, SessionEvent } from './session-event.ts';
import { transitionOf } from './transition.ts';

const changed: SessionEffect = { kind: 'changed' };

/** `random`: numbers in [0, 1), for the jitter. */
export function stepSession(
  session: Session,
  event: SessionEvent,
  now: Instant,
  random: () => number,
): SessionEffect[] {
  const effects: SessionEffect[] = [];
  switch (event.kind) {
    case 'packet':
      receive(session, event.packet, now, effects);
      break;
    case 'tick':
      if (detectAt(session, now) <= now.at) expire(session, now, effects);
      if (stepEcho(session, now, effects)) fail(session, diagnostic.echoFailed, now, effects);
      if (session.transmitAt <= now.at) transmit(session, undefined, now, effects);
      break;
    case 'settings':
      setSettings(session, event.settings, now, effects);
      break;
    case 'admin-down':
      if (session.state === 'admin-down') break;
      enter(session, 'admin-down', diagnostic.administrativelyDown, now, effects);
      transmit(session, undefined, now, effects);
      break;
    case 'admin-up':
      if (session.state !== 'admin-down') break;
      enter(session, 'down', diagnostic.none, now, effects);
      transmit(session, undefined, now, effects);
      break;
    case 'echo-returned':
      if (session.echo.state === 'off') break;
      session.echo.returned = now;
      if (session.echo.state === 'active') break;
      session.echo.state = 'active';
      session.echo.nextAt = now.at;
      effects.push(changed);
      break;
    default:
      event satisfies never;
  }
  takeTimers(session);
  schedule(session, now, random);
  return effects;
}

/** §6.8.6, from where the packet is believed on. */
function receive(session: Session, packet: ControlPacket, now: Instant, effects: SessionEffect[]): void {
  const isNews = takeRemote(session, packet);
  if (packet.final) endPoll(session);
  if (session.state === 'admin-down') return;
  if (session.state === 'up')
    session.leastReceiveSlackMilliseconds = Math.min(
      session.leastReceiveSlackMilliseconds,
      detectAt(session, now) - now.at,
    );
  session.heard = now;
  const transition = transitionOf(session.state, packet.state);
  if (transition !== undefined) enter(session, transition.to, transition.diagnostic, now, effects);
  else if (isNews) effects.push(changed);
  // The answer to a poll tells of a new state as well as a packet of its own would.
  if (packet.poll) transmit(session, 'final', now, effects);
  else if (transition !== undefined) transmit(session, undefined, now, effects);
}

/** Returns whether it says anything new. */
function takeRemote(session: Session, packet: ControlPacket): boolean {
  const before = session.remote;
  const isSame =
    before.state === packet.state &&
    before.diagnostic === packet.diagnostic &&
    before.discriminator === packet.myDiscriminator &&
    before.demand === packet.demand &&
    before.controlPlaneIndependent === packet.controlPlaneIndependent &&
    before.detectMultiplier === packet.detectMultiplier &&
    before.desiredMinTxMicroseconds === packet.desiredMinTxMicroseconds &&
    before.requiredMinRxMicroseconds === packet.requiredMinRxMicroseconds &&
    before.requiredMinEchoRxMicroseconds === packet.requiredMinEchoRxMicroseconds;
  if (isSame) return false;
  session.remote = {
    state: packet.state,
    diagnostic: packet.diagnostic,
    discriminator: packet.myDiscriminator,
    demand: packet.demand,
    controlPlaneIndependent: packet.controlPlaneIndependent,
    detectMultiplier: packet.detectMultiplier,
    desiredMinTxMicroseconds: packet.desiredMinTxMicroseconds,
    requiredMinRxMicroseconds: packet.requiredMinRxMicroseconds,
    requiredMinEchoRxMicroseconds: packet.requiredMinEchoRxMicroseconds,
  };
  return true;
}

/** The detection time has passed: the other's discriminator is void, and with it all that it said (§6.8.1, §6.8.4). */
function expire(session: Session, now: Instant, effects: SessionEffect[]): void {
  session.remote = unheard;
  session.heard = undefined;
  if (session.state === 'init' || session.state === 'up')
    fail(session, diagnostic.detectionTimeExpired, now, effects);
  else effects.push(changed);
}

function fail(session: Session, cause: number, now: Instant, effects: SessionEffect[]): void {
  enter(session, 'down', cause, now, effects);
  // A passive one has nobody to speak to once the other's discriminator is void (§6.8.7).
  if (mayTransmit(session)) transmit(session, undefined, now, effects);
}

function enter(
  session: Session,
  state: Session['state'],
  cause: number,
  now: Instant,
  effects: SessionEffect[],
): void {
  // Until it is up again, the other side may read why it went down.
  if (state !== 'init') session.diagnostic = cause;
  session.state = state;
  session.changedAt = now.at;
  if (state !== 'up') {
    noPoll(session);
    stopEcho(session);
  }
  takeTimers(session);
  effects.push(changed);
}

function setSettings(
  session: Session,
  settings: SessionSettings,
  now: Instant,
  effects: SessionEffect[],
): void {
  const before = session.settings;
  session.settings = settings;
  takeTimers(session);
  const isTold =
    before.detectMultiplier !== settings.detectMultiplier ||
    before.echoIntervalMicroseconds !== settings.echoIntervalMicroseconds ||
    session.poll.isWanted;
  // What a packet says has changed: that is told at once (§6.8.7).
  if (isTold && session.state === 'up' && mayTransmit(session)) transmit(session, undefined, now, effects);
}

/** What our packets say of our timers follows the settings and the state; what is in force may have to wait (§6.8.3). */
function takeTimers(session: Session): void {
  const { settings, state, echo } = session;
  const minTx =
    state === 'up'
      ? settings.desiredMinTxMicroseconds
      : Math.max(slowMicroseconds, settings.desiredMinTxMicroseconds);
  // Echo packets detect faster than control packets, which may then be rare (§6.8.3).
  const minRx =
    echo.state === 'active'
      ? Math.max(slowMicroseconds, settings.requiredMinRxMicroseconds)
      : settings.requiredMinRxMicroseconds;
  if (minTx === session.desiredMinTxMicroseconds && minRx === session.requiredMinRxMicroseconds) return;
  session.desiredMinTxMicroseconds = minTx;
  session.requiredMinRxMicroseconds = minRx;
  if (state === 'up') {
    session.activeMinTxMicroseconds = Math.min(session.activeMinTxMicroseconds, minTx);
    session.activeMinRxMicroseconds = Math.max(session.activeMinRxMicroseconds, minRx);
    wantPoll(session);
  } else {
    session.activeMinTxMicroseconds = minTx;
    session.activeMinRxMicroseconds = minRx;
  }
}

function transmit(
  session: Session,
  answers: 'final' | undefined,
  now: Instant,
  effects: SessionEffect[],
): void {
  const isPoll = answers === undefined && mayPoll(session, now.at);
  if (isPoll) notePoll(session, now.at);
  effects.push({ kind: 'send', packet: controlPacket(session, isPoll ? 'poll' : answers) });
  const isExpected = session.state === 'up' && session.remote.state === 'up' && !session.remote.demand;
  const remoteTime = isExpected ? remoteDetectionTime(session) : Number.POSITIVE_INFINITY;
  if (isExpected)
    session.leastTransmitSlackMilliseconds = Math.min(
      session.leastTransmitSlackMilliseconds,
      Math.max(session.missedAt, session.lastSentAt + remoteTime) - now.at,
    );
  session.lastSentAt = now.at;
  session.missedAt = now.at + remoteTime;
  if (answers === undefined) session.scheduledMilliseconds = 0; // to be chosen anew
}

/** Whether it may speak unasked (§6.8.7). */
function mayTransmit({ settings, remote, state, poll }: Session): boolean {
  if (settings.isPassive && remote.discriminator === 0) return false;
  if (remote.requiredMinRxMicroseconds === 0) return false;
  const isDemanded = remote.demand && state === 'up' && remote.state === 'up';
  return !isDemanded || poll.isRunning || poll.isWanted;
}

/**
 * Chooses when the next periodic packet is due, where that was used up or the interval has changed: a shorter one counts
 * from the packet before (§6.8.3).
 */
function schedule(session: Session, now: Instant, random: () => number): void {
  if (!mayTransmit(session)) {
    session.transmitAt = Number.POSITIVE_INFINITY;
    return;
  }
  const interval = transmitInterval(session);
  if (interval === session.scheduledMilliseconds && session.transmitAt !== Number.POSITIVE_INFINITY) return;
  session.scheduledMilliseconds = interval;
  session.transmitAt = Math.max(
    now.at,
    jittered(session.lastSentAt, interval, session.settings.detectMultiplier, random),
  );
}

/**
 * Between 75 and 100 % of the interval after the last one; where a single lost packet counts, at most 90 % (§6.8.7). Many
 * sessions throw their dice on a common grid, a few marks to the span, so that they are served together.
 */
function jittered(last: number, interval: number, multiplier: number, random: () => number): number {
  const first = last + interval * 0.75;
  const span = interval * (multiplier === 1 ? 0.15 : 0.25);
  const at = first + span * random();
  const grid = 2 ** Math.floor(Math.log2(span / 3));
  const mark = Math.floor(at / grid) * grid;
  return mark < first ? mark + grid : mark;
}
