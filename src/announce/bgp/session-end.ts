// How connections and the session end, by whose wish ever, and when the next one is tried (RFC 4271 §8, RFC 4724).
import { never, type Step } from './machine-step.ts';
import { hardReset, type Notification, notification, shutdownNotification } from './notification.ts';
import { cease, errorCode } from './notification-code.ts';
import type { Connection, DownReason, Session, SessionEvent } from './session.ts';
import { keepStale } from './stale-routes.ts';

/** A router that was rebooted is found again within this time. */
const longestRetrySeconds = 30;

export function stop(step: Step, event: Extract<SessionEvent, { kind: 'stop' }>): void {
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
export function end(step: Step, connection: Connection, message: Notification, reason?: DownReason): void {
  const { effects } = step;
  if (connection.state !== 'connect') effects.push({ kind: 'send', connection: connection.id, message });
  effects.push({ kind: 'close', connection: connection.id });
  lose(step, connection, reason ?? { kind: 'sent', notification: message });
}

export function lose(step: Step, connection: Connection, reason: DownReason): void {
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

export function remove(session: Session, connection: Connection): void {
  session.connections = session.connections.filter((one) => one !== connection);
}
