// The timers of one connection: hold time, keepalives, and how long its socket may take nothing.
import { never, type Step } from './machine-step.ts';
import type { Connection } from './session.ts';

/** At least, and twice the hold time (RFC 9687 §6). */
const sendHoldMilliseconds = 480_000;

export function hold(connection: Connection, now: number): void {
  const seconds = connection.agreement?.holdTimeSeconds ?? 0;
  connection.holdAt = seconds === 0 ? never : now + 1000 * seconds;
}

/** 75–100 % of the time (§10). */
export function scheduleKeepalive({ now, random }: Step, connection: Connection): void {
  const { holdTimeSeconds, keepaliveMilliseconds } = connection.agreement ?? { holdTimeSeconds: 0 };
  if (holdTimeSeconds === 0 || keepaliveMilliseconds === undefined) connection.keepaliveAt = never;
  else connection.keepaliveAt = now + keepaliveMilliseconds * (1 - random() / 4);
}

/** Any byte that leaves starts the time anew; with nothing waiting there is none. */
export function noteSocket(connection: Connection, waitingBytes: number, now: number): void {
  const seconds = connection.agreement?.holdTimeSeconds ?? 0;
  const isTimed = waitingBytes > 0 && seconds > 0;
  connection.sendHoldAt = isTimed ? now + Math.max(sendHoldMilliseconds, 2000 * seconds) : never;
}
