// How many events of one object are written: who changes his Service back and forth shall not fill the API with them.
//
// The same numbers as those of the clients that Kubernetes itself is made of: 25 at once, and one more every five minutes.

/** True for an event that may be written, counting it; of which object, and when (milliseconds of a steady clock). */
export type EventLimit = (object: string, now: number) => boolean;

const atOnce = 25;
const refillMilliseconds = 300_000;

/** Objects that have had no event for so long that they may have all again are forgotten. */
const restedMilliseconds = atOnce * refillMilliseconds;

export function createEventLimit(): EventLimit {
  /** Until when the events of each object are accounted for, in the order of their last event. */
  const spentUntil = new Map<string, number>();
  return (object, now) => {
    for (const [oldest, until] of spentUntil) {
      if (until > now) break;
      spentUntil.delete(oldest);
    }
    const until = Math.max(spentUntil.get(object) ?? now, now) + refillMilliseconds;
    if (until - now > restedMilliseconds) return false;
    spentUntil.delete(object);
    spentUntil.set(object, until);
    return true;
  };
}
