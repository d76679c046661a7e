// The agent's BFD sessions, which live in pulse: what there should be, and what pulse says of them.
import type { BfdFromPulse, BfdToPulse, LinkBfdSession, LinkBfdState } from '../pulse/bfd-link.ts';

export type BfdCounters = Extract<BfdFromPulse, { type: 'bfd-counters' }>;

export interface BfdSessionsOptions {
  readonly send: (message: BfdToPulse) => void;
  /**
   * A session is new, in another state, or otherwise changed; `after` is undefined for one that is gone. Sessions that go
   * down and come up in one moment are told as both.
   */
  readonly changed: (before: LinkBfdState | undefined, after: LinkBfdState | undefined) => void;
}

export interface BfdSessions {
  /** By their keys, as pulse told last; also while it is away. */
  readonly states: ReadonlyMap<string, LinkBfdState>;
  /** Undefined until pulse has told. */
  readonly counters: BfdCounters | undefined;
  /** All that there should be. Before this is called, those that pulse has stay. */
  want(sessions: readonly LinkBfdSession[]): void;
  /** Pulse is connected anew. */
  connected(): void;
  take(message: BfdFromPulse): void;
}

export function createBfdSessions({ send, changed }: BfdSessionsOptions): BfdSessions {
  const states = new Map<string, LinkBfdState>();
  let counters: BfdCounters | undefined;
  let wanted: readonly LinkBfdSession[] | undefined;

  const tell = (): void => {
    if (wanted !== undefined) send({ type: 'bfd', sessions: wanted });
  };

  const remove = (key: string): void => {
    const before = states.get(key);
    if (before === undefined) return;
    states.delete(key);
    changed(before, undefined);
  };

  const takeStates = ({ replace, upserts, removals }: Extract<BfdFromPulse, { type: 'bfd' }>): void => {
    const told = new Set(upserts.map(({ key }) => key));
    if (replace) for (const key of [...states.keys()]) if (!told.has(key)) remove(key);
    for (const key of removals) remove(key);
    for (const state of upserts) {
      const before = states.get(state.key);
      states.set(state.key, state);
      changed(before, state);
    }
  };

  return {
    states,
    get counters() {
      return counters;
    },
    want(sessions) {
      wanted = sessions;
      tell();
    },
    connected: tell,
    take(message) {
      if (message.type === 'bfd') takeStates(message);
      else counters = message;
    },
  };
}
