// Waits for files that look half-written, and for files that may be gone only for a moment, to come to rest.

interface Wait {
  /** Equal stamps mean that nothing has happened to the file. */
  readonly stamp: string;
  readonly sinceMilliseconds: number;
  /** The wait for this stamp is over. */
  readonly due: number;
  readonly timer: NodeJS.Timeout;
}

/** A file that never comes to rest is taken as it is after this time. */
const longestWaitMilliseconds = 5000;

export class Settling implements Disposable {
  readonly #waits = new Map<string, Wait>();
  readonly #look: (file: string) => void;

  /** `look` is called when a file should be looked at again. */
  constructor(look: (file: string) => void) {
    this.#look = look;
  }

  /** True once the file has had the same stamp for so long; until then `look` is called in time. */
  isSettled(file: string, stamp: string, waitMilliseconds: number): boolean {
    const now = performance.now();
    const wait = this.#waits.get(file);
    if (wait !== undefined) {
      if (wait.stamp === stamp && now >= wait.due) return true;
      if (wait.stamp === stamp) return false;
      clearTimeout(wait.timer);
      if (now - wait.sinceMilliseconds > longestWaitMilliseconds) return true;
    }
    const due = now + waitMilliseconds;
    // A timer may fire a millisecond early; the look would come too soon and never again.
    const timer = setTimeout(() => this.#look(file), waitMilliseconds + 2);
    this.#waits.set(file, { stamp, sinceMilliseconds: wait?.sinceMilliseconds ?? now, due, timer });
    return false;
  }

  /** The file is taken as it is, or is of no interest any more. */
  done(file: string): void {
    clearTimeout(this.#waits.get(file)?.timer);
    this.#waits.delete(file);
  }

  [Symbol.dispose](): void {
    for (const file of [...this.#waits.keys()]) this.done(file);
  }
}
