// Tells listeners what happens to BFD sessions: states at once, all else at the end of its turn, counts once a second.
import type { Entry } from '../announce/bfd/table.ts';
import type { Log } from '../observe/log.ts';
import type { BfdFromPulse, LinkBfdState } from './bfd-link.ts';
import { bfdStateOf, lesser, takeBfdCounters } from './bfd-report.ts';

export interface BfdReporter extends Disposable {
  /** All sessions, for a new listener. */
  all(): BfdFromPulse;
  /** By itself or by its key: what is told of it is new, or it is gone. */
  changed(entry: Entry | string): void;
  /** A packet was not believed, for this reason. */
  refused(cause: string): void;
  /** So many milliseconds passed from a look at the clock until the last packet of its turn was sent. */
  spent(milliseconds: number): void;
  tellCounters(stalledMilliseconds: number): void;
}

export interface BfdReporterOptions {
  readonly entries: ReadonlyMap<string, Entry>;
  /** Why a session's packets neither leave nor arrive; undefined: they do. */
  readonly problemOf: (entry: Entry) => string | undefined;
  readonly log: Log;
  /** The sessions' clock. */
  readonly now: () => number;
  readonly tell: (message: BfdFromPulse) => void;
}

export function createBfdReporter(options: BfdReporterOptions): BfdReporter {
  const { entries, log, now, tell } = options;
  /** By session, its state as it was told last. */
  const states = new Map<string, string>();
  const changed = new Set<string>();
  const refusals = new Map<string, number>();
  let smallestReceiveSlack: number | undefined;
  let smallestTransmitSlack: number | undefined;
  /** Since the counters were told. */
  let mostSpent = 0;
  let telling: NodeJS.Immediate | undefined;

  const stateOf = (entry: Entry): LinkBfdState => {
    const age = Date.now() - now();
    return bfdStateOf(entry, (at) => at + age, options.problemOf(entry));
  };

  /** Returns whether the session is in another state than it was. */
  const takeState = (key: string): boolean => {
    const session = entries.get(key)?.session;
    const before = states.get(key);
    if (session?.state === before) return false;
    if (session === undefined) {
      states.delete(key);
      return false;
    }
    states.set(key, session.state);
    const { state, diagnostic, remote } = session;
    const fields = { session: key, state, remoteState: remote.state, diagnostic };
    if (before === 'up' && state === 'down') log.info('bfd-down', fields);
    else if (state === 'up') log.info('bfd-up', fields);
    else log.debug('bfd-changed', fields);
    return true;
  };

  const flush = (): void => {
    clearImmediate(telling);
    telling = undefined;
    const keys = [...changed];
    changed.clear();
    tell({
      type: 'bfd',
      replace: false,
      upserts: keys.flatMap((key) => {
        const entry = entries.get(key);
        return entry === undefined ? [] : [stateOf(entry)];
      }),
      removals: keys.filter((key) => !entries.has(key)),
    });
  };

  return {
    all: () => ({ type: 'bfd', replace: true, upserts: [...entries.values()].map(stateOf), removals: [] }),
    changed(entry) {
      const key = typeof entry === 'string' ? entry : entry.key;
      changed.add(key);
      // A session that goes down and comes up in one turn has been down all the same.
      if (takeState(key)) flush();
      else telling ??= setImmediate(flush);
    },
    refused(cause) {
      const count = (refusals.get(cause) ?? 0) + 1;
      refusals.set(cause, count);
      // One line a cause; the counts are told.
      if (count === 1) log.debug('bfd-refused', { cause });
    },
    spent(milliseconds) {
      mostSpent = Math.max(mostSpent, milliseconds);
    },
    tellCounters(stalledMilliseconds) {
      const sessions = [...entries.values()].map((entry) => takeBfdCounters(entry, mostSpent));
      mostSpent = 0;
      for (const { receiveSlackMilliseconds, transmitSlackMilliseconds } of sessions) {
        smallestReceiveSlack = lesser(smallestReceiveSlack, receiveSlackMilliseconds);
        smallestTransmitSlack = lesser(smallestTransmitSlack, transmitSlackMilliseconds);
      }
      tell({
        type: 'bfd-counters',
        sessions,
        refused: [...refusals].map(([cause, count]) => ({ cause, count })),
        smallestReceiveSlackMilliseconds: smallestReceiveSlack,
        smallestTransmitSlackMilliseconds: smallestTransmitSlack,
        stalledMilliseconds: Math.round(stalledMilliseconds),
      });
    },
    [Symbol.dispose]: () => clearImmediate(telling),
  };
}
