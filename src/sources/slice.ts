// Long work cut into slices, so that the event loop is never held for long.
import { setImmediate } from 'node:timers/promises';

const sliceMilliseconds = 5;

/** Runs a generator to its end, letting the event loop turn every few milliseconds. `between` runs before each turn. */
export class Slicer {
  #began = performance.now();
  readonly #between: () => void;

  constructor(between: () => void = () => {}) {
    this.#between = between;
  }

  async run<T>(work: Generator<undefined, T>): Promise<T> {
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
      await this.pause();
    }
  }

  /** A new piece of work begins now. */
  begin(): void {
    this.#began = performance.now();
  }

  /** Gives way if the slice is used up. */
  async pause(): Promise<void> {
    if (performance.now() - this.#began < sliceMilliseconds) return;
    this.#between();
    await setImmediate();
    this.#began = performance.now();
  }
}

/** Runs a generator to its end at once. */
export function finish<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
