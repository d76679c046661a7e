// Poll sequences (RFC 5880 §6.5): packets ask for an answer until one comes, and then the other knows our new timers.
import { detectionTime, type Session } from './session.ts';

/** Something is to be known by the other side. */
export function wantPoll({ poll }: Session): void {
  poll.isWanted = true;
}

export function noPoll({ poll }: Session): void {
  poll.isWanted = false;
  poll.isRunning = false;
}

/** Whether a packet that is sent now is part of a sequence. */
export const mayPoll = ({ poll }: Session, at: number): boolean =>
  poll.isRunning || (poll.isWanted && at >= poll.quietUntil);

/** A packet of a sequence is sent; the first one begins it. */
export function notePoll({ poll }: Session, at: number): void {
  if (!poll.isRunning) {
    poll.isRunning = true;
    poll.isWanted = false;
    poll.sent = 0;
  }
  poll.sent++;
  poll.lastSentAt = at;
}

/**
 * An answer came. Finals say nothing of what they answer: where several packets asked, those that are still under way must
 * not end the next sequence, so that one waits. New timers come into force when all of them were told.
 */
export function endPoll(session: Session): void {
  const { poll } = session;
  if (!poll.isRunning) return;
  poll.isRunning = false;
  poll.quietUntil = poll.sent > 1 ? poll.lastSentAt + detectionTime(session) : 0;
  if (poll.isWanted) return;
  session.activeMinTxMicroseconds = session.desiredMinTxMicroseconds;
  session.activeMinRxMicroseconds = session.requiredMinRxMicroseconds;
}
