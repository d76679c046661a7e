// How this node leaves its peers' routes and comes back: first it asks to be left (RFC 8326), a moment later it withdraws.

export interface Departure {
  /** `here`: routes as planned. `leaving`: as planned, with GRACEFUL_SHUTDOWN. `gone`: none. */
  readonly phase: 'here' | 'leaving' | 'gone';
  /** The node is to be left, or may announce again. */
  set(isWanted: boolean): void;
}

export interface DepartureOptions {
  /** Nobody has to be asked where no peer has a route. */
  readonly hasPeers: () => boolean;
  /** The phase is another. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
}

/** What other routers need to choose other paths, after GRACEFUL_SHUTDOWN has been sent (RFC 8326 §4.3). */
export const leaveMilliseconds = 1000;

export function createDeparture({ hasPeers, changed, signal }: DepartureOptions): Departure {
  let phase: Departure['phase'] = 'here';
  let timer: NodeJS.Timeout | undefined;
  const enter = (next: Departure['phase']): void => {
    phase = next;
    changed();
  };
  return {
    get phase() {
      return phase;
    },
    set(isWanted) {
      if (isWanted === (phase !== 'here')) return;
      clearTimeout(timer);
      if (!isWanted) return enter('here');
      if (!hasPeers()) return enter('gone');
      enter('leaving');
      timer = setTimeout(() => !signal.aborted && enter('gone'), leaveMilliseconds);
      timer.unref();
    },
  };
}
