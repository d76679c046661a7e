// What the peer's messages do to the session: OPENs agree and collide (RFC 4271 §6.8), KEEPALIVEs establish, the rest is handed on.
import { familyOf } from './address-family.ts';
import { agree, refusalNotification } from './agreement.ts';
import { hold, scheduleKeepalive } from './connection-timers.ts';
import { never, type Step } from './machine-step.ts';
import { keepalive, type Message } from './message.ts';
import { notification } from './notification.ts';
import { cease, errorCode, stateError } from './notification-code.ts';
import type { Open } from './open.ts';
import { refreshSubtype } from './route-refresh.ts';
import type { Connection } from './session.ts';
import { end, lose } from './session-end.ts';
import { endStale, meetStale } from './stale-routes.ts';
import { endOfRibOf } from './update.ts';

export function receive(step: Step, connection: Connection, message: Message): void {
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
