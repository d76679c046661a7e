// Batches that came in and were not handled yet.
import type { ChangeBatch } from '../model/world.ts';

export class Inbox {
  #batches: ChangeBatch[] = [];
  #filled = Promise.withResolvers<void>();

  put(batch: ChangeBatch): void {
    this.#batches.push(batch);
    this.#filled.resolve();
  }

  /** No more will come, for this reason: `take` rejects with it. */
  fail(error: unknown): void {
    this.#filled.promise.catch(() => {}); // whoever takes next is told
    this.#filled.reject(error);
  }

  /** All that came since the last call, once there is something. Empty if the signal aborted. */
  async take(signal: AbortSignal): Promise<readonly ChangeBatch[]> {
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal.addEventListener('abort', abort, { once: true });
    if (!signal.aborted) await Promise.race([this.#filled.promise, aborted.promise]);
    signal.removeEventListener('abort', abort);
    if (signal.aborted) return [];
    const batches = this.#batches;
    this.#batches = [];
    this.#filled = Promise.withResolvers();
    return batches;
  }
}
