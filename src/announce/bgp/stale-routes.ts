// The peer's routes while it restarts: kept, then long-lived, then dropped (RFC 4724 §4.2, RFC 8538 §4, RFC 9494 §4).
import type { Family } from '../../model/address.ts';
import { familyOf } from './address-family.ts';
import type { Agreement } from './agreement.ts';
import { isHardReset } from './notification.ts';
import type { DownReason, Session, SessionEffect } from './session.ts';

/** Whether a session's end leaves the routes: not by a NOTIFICATION, unless both sides have the N bit. */
function keepsRoutes(reason: DownReason, { peerRestart }: Agreement): boolean {
  if (peerRestart === undefined) return false;
  if (reason.kind === 'closed') return true;
  const isNotification = reason.kind === 'sent' || reason.kind === 'received';
  return isNotification && peerRestart.coversNotifications && !isHardReset(reason.notification);
}

export function keepStale(
  session: Session,
  agreement: Agreement,
  reason: DownReason,
  now: number,
  effects: SessionEffect[],
): void {
  const { peerRestart, peerLongLived, families } = agreement;
  const keeps = keepsRoutes(reason, agreement);
  for (const family of families) {
    const longLivedSeconds = peerLongLived.find((one) => familyOf(one) === family)?.staleTimeSeconds ?? 0;
    const isRestartable = peerRestart?.families.some((one) => familyOf(one) === family) ?? false;
    if (!keeps || !isRestartable || peerRestart === undefined) {
      drop(session, family, effects);
      continue;
    }
    const until = now + 1000 * peerRestart.restartTimeSeconds;
    session.stale.set(family, { until, phase: 'restarting', longLivedSeconds });
    effects.push({ kind: 'stale', family, what: 'keep' });
  }
}

/** The peer is back: what it did not forward meanwhile is dropped, the rest waits for End-of-RIB. */
export function meetStale(
  session: Session,
  agreement: Agreement,
  now: number,
  effects: SessionEffect[],
): void {
  const seconds = session.settings.gracefulRestart?.endOfRibSeconds ?? 0;
  for (const [family, stale] of session.stale) {
    const told = [...(agreement.peerRestart?.families ?? []), ...agreement.peerLongLived];
    const isForwarding = told.some((one) => familyOf(one) === family && one.isForwarding);
    if (!isForwarding) drop(session, family, effects);
    else {
      stale.phase = 'until-end-of-rib';
      stale.until = now + 1000 * seconds;
    }
  }
}

export function advanceStale(session: Session, now: number, effects: SessionEffect[]): void {
  for (const [family, stale] of session.stale) {
    if (stale.until > now) continue;
    if (stale.phase === 'restarting' && stale.longLivedSeconds > 0) {
      stale.phase = 'long-lived';
      stale.until = now + 1000 * stale.longLivedSeconds;
      effects.push({ kind: 'stale', family, what: 'mark-long-lived' });
    } else drop(session, family, effects);
  }
}

export function endStale(session: Session, family: Family, effects: SessionEffect[]): void {
  if (session.stale.has(family)) drop(session, family, effects);
}

function drop(session: Session, family: Family, effects: SessionEffect[]): void {
  session.stale.delete(family);
  effects.push({ kind: 'stale', family, what: 'drop' });
}
