// How fast the members beat, and how long a grant lasts. All times are milliseconds of each node's own steady clock.

export interface Timing {
  /** Between two heartbeats to a watcher. */
  readonly beatMilliseconds: number;
  /** A watcher's grant lets its holder speak for so long from when it *sent* the heartbeat. */
  readonly leaseMilliseconds: number;
  /**
   * A watcher keeps its grant for so long from when it *received* the heartbeat, and a member that was not heard for
   * so long is silent. Longer than the lease by more than clocks can differ: no clock is shared.
   */
  readonly patienceMilliseconds: number;
  /** A member counts as stable when it has been ready for so long: then it is given back what it is wanted for. */
  readonly stableMilliseconds: number;
  /** A watcher that was silent for so long may be left out of the electorate. */
  readonly forgetMilliseconds: number;
  /** A node that starts listens for an electorate for so long before it founds one. */
  readonly joinMilliseconds: number;
}

const shared = { stableMilliseconds: 10_000, forgetMilliseconds: 10_000, joinMilliseconds: 500 };

const few: Timing = { ...shared, beatMilliseconds: 40, leaseMilliseconds: 120, patienceMilliseconds: 150 };

/** Where heartbeats are many, they are rarer: a takeover takes 0.45 s. */
const many: Timing = { ...shared, beatMilliseconds: 190, leaseMilliseconds: 370, patienceMilliseconds: 420 };

/** Up to so many members all watch each other; beyond, some are chosen to watch all. */
export const fullMeshMembers = 16;

/** So many watch all where not everybody does: three of them may fail at once. */
export const chosenWatchers = 7;

export const timingFor = (members: number): Timing => (members <= fullMeshMembers ? few : many);
