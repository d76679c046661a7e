// Time for simulations: it passes only from one thing that is due to the next. Things due at once happen in their order.

export interface VirtualClock {
  /** Milliseconds. */
  readonly now: number;
  /** How many things are to come. */
  readonly pending: number;
  after(milliseconds: number, act: () => void): Disposable;
  /** Lets so many milliseconds pass. Throws where more happens than time can hold. */
  run(milliseconds: number): void;
}

interface Due {
  readonly at: number;
  readonly act: () => void;
}

const mostAtOnce = 100_000;

export function createVirtualClock(): VirtualClock {
  let now = 0;
  /** In order; few at any time. */
  const queue: Due[] = [];
  return {
    get now() {
      return now;
    },
    get pending() {
      return queue.length;
    },
    after(milliseconds, act) {
      const due = { at: now + Math.max(0, milliseconds), act };
      const place = queue.findLastIndex(({ at }) => at <= due.at) + 1;
      queue.splice(place, 0, due);
      return {
        [Symbol.dispose]() {
          const index = queue.indexOf(due);
          if (index >= 0) queue.splice(index, 1);
        },
      };
    },
    run(milliseconds) {
      const end = now + milliseconds;
      let atOnce = 0;
      for (let next = queue[0]; next !== undefined && next.at <= end; next = queue[0]) {
        queue.shift();
        atOnce = next.at > now ? 0 : atOnce + 1;
        if (atOnce > mostAtOnce) throw new Error(`time stands still at ${now} ms`);
        now = next.at;
        next.act();
      }
      now = end;
    },
  };
}
