// One BGP session as a machine (RFC 4271 §8): connections, messages and times go in; what is to be done comes out. Pure but
// for the session that it is given.
import { familyOf } from './address-family.ts';
import { agree, ourOpen, refusalNotification } from './agreement.ts';
import { keepalive, type Message } from './message.ts';
import { hardReset, type Notification, notification, shutdownNotification } from './notification.ts';
import { cease, errorCode, stateError } from './notification-code.ts';
import type { Open } from './open.ts';
import { refreshSubtype } from './route-refresh.ts';
import {
  type Connection,
  type DownReason,
  noAnswer,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from './session.ts';
import { advanceStale, endStale, keepStale, meetStale } from './stale-routes.ts';
import { endOfRibOf } from './update.ts';

/** While there is no agreement yet (§8.2.2, OpenSent). */
const openHoldMilliseconds = 240_000;
/** At least, and twice the hold time (RFC 9687 §6). */
const sendHoldMilliseconds = 480_000;
/** A router that was rebooted is found again within this time. */
const longestRetrySeconds = 30;
const never = Number.POSITIVE_INFINITY;

interface Step {
  readonly session: Session;
  readonly now: number;
  readonly random: () => number;
  readonly effects: SessionEffect[];
}

/** `now` in milliseconds; `random`: numbers in [0, 1), for the jitter. */
export function stepSession(
  session: Session,
  event: SessionEvent,
  now: number,
  random: () => number,
): SessionEffect[] {
  const step: Step = { session, now, random, effects: [] };
  const connection =
    'connection' in event ? session.connections.find(({ id }) => id === event.connection) : undefined;
  switch (event.kind) {
    case 'start':
      if (session.state === 'idle' && session.retryAt === never) connect(step);
      break;
    case 'stop':
      stop(step, event);
      break;
    case 'connected':
      if (connection?.state === 'connect') sendOpen(step, connection);
      break;
    case 'accepted':
      accept(step);
      break;
    case 'closed':
      if (connection !== undefined) lose(step, connection, { kind: 'closed', text: event.text });
      break;
    case 'message':
      if (connection !== undefined) receive(step, connection, event.message);
      break;
    case 'bad-message':
      if (connection !== undefined) end(step, connection, event.error);
      break;
    case 'socket':
      if (connection !== undefined) noteSocket(connection, event.waitingBytes, now);
      break;
    case 'bfd-down':
      for (const one of [...session.connections])
        if (one.state === 'established') end(step, one, notification(errorCode.cease, cease.bfdDown));
      break;
    case 'bfd-up':
      // The path is there again: there is no need to wait for the next try.
      if (session.connections.length === 0 && session.retryAt !== never) connect(step);
      break;
    case 'tick':
      tick(step);
      break;
    default:
      event satisfies never;
  }
  session.state = stateOf(session);
  return step.effects;
}

const order = ['connect', 'open-sent', 'open-confirm', 'established'] as const;

function stateOf({ connections, retryAt, settings, state }: Session): SessionState {
  let most = -1;
  for (const one of connections) most = Math.max(most, order.indexOf(one.state));
  const reached = order[most];
  if (reached !== undefined) return reached;
  if (retryAt !== never) return 'active';
  return settings.isPassive && state !== 'idle' ? 'active' : 'idle';
}

function newConnection({ session }: Step, isOurs: boolean): Connection {
  const connection: Connection = {
    id: session.nextConnection++,
    isOurs,
    state: 'connect',
    agreement: undefined,
    holdAt: never,
    keepaliveAt: never,
    sendHoldAt: never,
  };
  session.connections.push(connection);
  return connection;
}

function connect(step: Step): void {
  const { session, effects } = step;
  session.state = 'active';
  session.retryAt = never;
  if (session.settings.isPassive) return;
  const connection = newConnection(step, true);
  connection.holdAt = step.now + 1000 * session.settings.connectRetrySeconds;
  effects.push({ kind: 'connect', connection: connection.id });
}

/** A second one is let in until the OPENs tell which of the two stays; a stranger to a stopped session is not. */
function accept(step: Step): void {
  const { session, effects } = step;
  const connection = newConnection(step, false);
  const isUnwanted =
    session.state === 'idle' || session.connections.some((one) => !one.isOurs && one !== connection);
  if (isUnwanted) {
    const message = notification(errorCode.cease, cease.connectionRejected);
    effects.push({ kind: 'send', connection: connection.id, message });
    effects.push({ kind: 'close', connection: connection.id });
    remove(session, connection);
    return;
  }
  session.retryAt = never;
  sendOpen(step, connection);
}

function sendOpen({ session, now, effects }: Step, connection: Connection): void {
  connection.state = 'open-sent';
  connection.holdAt = now + openHoldMilliseconds;
  const message = ourOpen(session.settings, session.isRestarting);
  effects.push({ kind: 'send', connection: connection.id, message });
}

function receive(step: Step, connection: Connection, message: Message): void {
  const { session, now, effects } = step;
  if (message.kind === 'notification') {
    effects.push({ kind: 'close', connection: connection.id });
    lose(step, connection, { kind: 'received', notification: message });
    return;
  }
  const { agreement } = connection;
  if (connection.state === 'open-sent' && message.kind === 'open') {
    receiveOpen(step, connection, message);
    return;
  }
  if (connection.state === 'open-confirm' && message.kind === 'keepalive' && agreement !== undefined) {
    hold(connection, now);
    establish(step, connection);
    return;
  }
  if (connection.state !== 'established' || message.kind === 'open') {
    const { openSent, openConfirm, established } = stateError;
    const subcodes = { connect: 0, 'open-sent': openSent, 'open-confirm': openConfirm, established };
    end(step, connection, notification(errorCode.finiteStateMachine, subcodes[connection.state]));
    return;
  }
  hold(connection, now);
  if (message.kind === 'update') {
    const ended = endOfRibOf(message);
    if (ended === undefined) effects.push({ kind: 'update', update: message });
    else endStale(session, ended, effects);
  } else if (message.kind === 'route-refresh' && message.subtype === refreshSubtype.request) {
    const family = familyOf(message);
    // Of a family that was not agreed on, it is ignored (RFC 2918 §4).
    if (family !== undefined && agreement?.families.includes(family))
      effects.push({ kind: 'resend', family, isMarked: agreement.hasEnhancedRefresh });
  }
}

function receiveOpen(step: Step, connection: Connection, open: Open): void {
  const { session, now, effects } = step;
  const agreement = agree(session.settings, open);
  if ('refusal' in agreement) {
    const { refusal } = agreement;
    end(step, connection, refusalNotification(refusal), { kind: 'refused', refusal });
    return;
  }
  if (!survivesCollision(step, connection, open)) return;
  connection.agreement = agreement;
  connection.state = 'open-confirm';
  effects.push({ kind: 'send', connection: connection.id, message: keepalive });
  hold(connection, now);
  scheduleKeepalive(step, connection);
}

/** §6.8: that of the higher identifier stays, of the higher AS where they are equal (RFC 6286 §2.3). */
function survivesCollision(step: Step, connection: Connection, open: Open): boolean {
  const { session } = step;
  const { routerId, localAsn } = session.settings;
  const isOursKept = routerId !== open.routerId ? routerId > open.routerId : localAsn > open.asn;
  for (const other of [...session.connections]) {
    if (other === connection) continue;
    const collision = notification(errorCode.cease, cease.collision);
    if (other.state === 'established' && !open.capabilities.some((one) => one.kind === 'graceful-restart')) {
      end(step, connection, collision);
      return false;
    }
    if (other.state === 'established') {
      // A peer with graceful restart that opens anew has lost the old one (RFC 4724 §4.2).
      step.effects.push({ kind: 'close', connection: other.id });
      lose(step, other, { kind: 'closed', text: 'the peer has restarted and connected anew' });
    } else if (other.state === 'connect' || connection.isOurs === isOursKept) end(step, other, collision);
    else {
      end(step, connection, collision);
      return false;
    }
  }
  return true;
}

function establish(step: Step, connection: Connection): void {
  const { session, now, effects } = step;
  const { agreement } = connection;
  if (agreement === undefined) return;
  connection.state = 'established';
  session.agreement = agreement;
  session.failures = 0;
  session.retryAt = never;
  session.isRestarting = false;
  effects.push({ kind: 'established', connection: connection.id, agreement });
  meetStale(session, agreement, now, effects);
}

function hold(connection: Connection, now: number): void {
  const seconds = connection.agreement?.holdTimeSeconds ?? 0;
  connection.holdAt = seconds === 0 ? never : now + 1000 * seconds;
}

/** 75–100 % of the time (§10). */
function scheduleKeepalive({ now, random }: Step, connection: Connection): void {
  const { holdTimeSeconds, keepaliveMilliseconds } = connection.agreement ?? { holdTimeSeconds: 0 };
  if (holdTimeSeconds === 0 || keepaliveMilliseconds === undefined) connection.keepaliveAt = never;
  else connection.keepaliveAt = now + keepaliveMilliseconds * (1 - random() / 4);
}

/** Any byte that leaves starts the time anew; with nothing waiting there is none. */
function noteSocket(connection: Connection, waitingBytes: number, now: number): void {
  const seconds = connection.agreement?.holdTimeSeconds ?? 0;
  const isTimed = waitingBytes > 0 && seconds > 0;
  connection.sendHoldAt = isTimed ? now + Math.max(sendHoldMilliseconds, 2000 * seconds) : never;
}

function tick(step: Step): void {
  const { session, now, effects } = step;
  for (const one of [...session.connections]) {
    if (one.sendHoldAt <= now) end(step, one, notification(errorCode.sendHoldTimerExpired));
    else if (one.holdAt <= now && one.state === 'connect') {
      effects.push({ kind: 'close', connection: one.id });
      lose(step, one, { kind: 'closed', text: noAnswer });
    } else if (one.holdAt <= now) end(step, one, notification(errorCode.holdTimerExpired));
    else if (one.keepaliveAt <= now) {
      effects.push({ kind: 'send', connection: one.id, message: keepalive });
      scheduleKeepalive(step, one);
    }
  }
  advanceStale(session, now, effects);
  if (session.retryAt <= now) connect(step);
}

function stop(step: Step, event: Extract<SessionEvent, { kind: 'stop' }>): void {
  const { session, effects } = step;
  for (const one of [...session.connections]) {
    if (event.why === 'planned-restart') {
      effects.push({ kind: 'close', connection: one.id });
      lose(step, one, { kind: 'planned-restart' });
      continue;
    }
    const plain = stopNotification(event);
    // We shall not be back: the peer must not keep our routes (RFC 8538 §3.1).
    const isForGood = event.why === 'shutdown' || event.why === 'deconfigured';
    const isCovered = one.state === 'established' && one.agreement?.peerRestart?.coversNotifications === true;
    end(step, one, isForGood && isCovered ? hardReset(plain) : plain);
  }
  session.retryAt = never;
  session.state = 'idle';
}

function stopNotification(
  event: Exclude<Extract<SessionEvent, { kind: 'stop' }>, { why: 'planned-restart' }>,
): Notification {
  switch (event.why) {
    case 'shutdown':
      return shutdownNotification(cease.administrativeShutdown, event.communication);
    case 'reset':
      return shutdownNotification(cease.administrativeReset, event.communication);
    case 'deconfigured':
      return notification(errorCode.cease, cease.peerDeconfigured);
    case 'configuration-change':
      return notification(errorCode.cease, cease.configurationChange);
    default:
      return event satisfies never;
  }
}

/** Says why, closes, and goes on from there. Before the connection is there, nothing is said. */
function end(step: Step, connection: Connection, message: Notification, reason?: DownReason): void {
  const { effects } = step;
  if (connection.state !== 'connect') effects.push({ kind: 'send', connection: connection.id, message });
  effects.push({ kind: 'close', connection: connection.id });
  lose(step, connection, reason ?? { kind: 'sent', notification: message });
}

function lose(step: Step, connection: Connection, reason: DownReason): void {
  const { session, now, effects } = step;
  remove(session, connection);
  if (connection.state === 'established' && session.agreement !== undefined) {
    const { agreement } = session;
    session.agreement = undefined;
    effects.push({ kind: 'down', reason });
    session.lastDown = reason;
    keepStale(session, agreement, reason, now, effects);
  } else if (session.connections.length === 0) {
    session.lastDown = reason;
    effects.push({ kind: 'down', reason });
  }
  if (session.connections.length === 0) retryLater(step);
}

/** Ever later, with the jitter of §10: until Established, whatever else goes well, the failures count on. */
function retryLater({ session, now, random }: Step): void {
  const { connectRetrySeconds } = session.settings;
  const most = Math.max(connectRetrySeconds, longestRetrySeconds);
  const seconds = Math.min(most, connectRetrySeconds * 2 ** Math.min(session.failures, 16));
  session.failures++;
  session.retryAt = now + 1000 * seconds * (1 - random() / 4);
}

function remove(session: Session, connection: Connection): void {
  session.connections = session.connections.filter((one) => one !== connection);
}
