// One BGP session as a machine (RFC 4271 §8): connections, messages and times go in; what is to be done comes out. Pure but
// for the session that it is given.
import { ourOpen } from './agreement.ts';
import { noteSocket, scheduleKeepalive } from './connection-timers.ts';
import { never, type Step } from './machine-step.ts';
import { keepalive } from './message.ts';
import { notification } from './notification.ts';
import { cease, errorCode } from './notification-code.ts';
import { receive } from './reception.ts';
import {
  type Connection,
  noAnswer,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from './session.ts';
import { end, lose, remove, stop } from './session-end.ts';
import { advanceStale } from './stale-routes.ts';

/** While there is no agreement yet (§8.2.2, OpenSent). */
const openHoldMilliseconds = 240_000;

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
