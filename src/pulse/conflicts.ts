// Rivals: other machines that claim our addresses, told from a hand-over by how long they go on.

/** During a hand-over two may speak for a moment; who still does later is a rival. */
const rivalAfterMilliseconds = 1000;

/** Claims so far apart have nothing to do with each other. */
const forgetAfterMilliseconds = 60_000;

interface Claims {
  readonly since: number;
  last: number;
  isTold: boolean;
}

/** By address. */
export type Conflicts = Map<string, Claims>;

/** Notes that somebody else claimed the address; true when that has become worth a warning, once. */
export function noteClaim(conflicts: Conflicts, address: string, now: number): boolean {
  const claims = conflicts.get(address);
  if (claims === undefined || now - claims.last > forgetAfterMilliseconds) {
    conflicts.set(address, { since: now, last: now, isTold: false });
    return false;
  }
  claims.last = now;
  if (claims.isTold || now - claims.since < rivalAfterMilliseconds) return false;
  claims.isTold = true;
  return true;
}
