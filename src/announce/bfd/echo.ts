// The echo function (RFC 5880 §6.8.8–9): packets to ourselves that the neighbour's forwarding plane sends back. Nothing
// follows from their loss before one has come back: not every neighbour forwards what it says that it does.
import type { Instant } from './instant.ts';
import { echoFailsAt, echoInterval, type Session } from './session.ts';
import type { SessionEffect } from './session-event.ts';

/** How often it is tried whether they come back. */
const tryMilliseconds = 1000;

export function stopEcho({ echo }: Session): void {
  echo.state = 'off';
  echo.nextAt = Number.POSITIVE_INFINITY;
  echo.returned = undefined;
}

/** Sends what is due. Returns true when they came back, and do no more. */
export function stepEcho(session: Session, now: Instant, effects: SessionEffect[]): boolean {
  const { echo, settings, remote, state } = session;
  const isWanted =
    settings.echoIntervalMicroseconds !== undefined &&
    state === 'up' &&
    remote.requiredMinEchoRxMicroseconds > 0;
  if (!isWanted) {
    stopEcho(session);
    return false;
  }
  if (echoFailsAt(session, now) <= now.at) return true;
  if (echo.state === 'off') {
    echo.state = 'trying';
    echo.nextAt = now.at;
  }
  if (echo.nextAt > now.at) return false;
  echo.sequence = (echo.sequence + 1) >>> 0;
  echo.nextAt = now.at + (echo.state === 'active' ? echoInterval(session) : tryMilliseconds);
  effects.push({ kind: 'send-echo', sequence: echo.sequence });
  return false;
}
