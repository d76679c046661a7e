// Whether the watches of an API go on: told when the first one fails, and when all of them work again.

import { apiSentence } from '../kubernetes/reason.ts';
import type { CollectionNotice } from '../kubernetes/watch-collection.ts';

export interface ApiHealthListener {
  /** A watch of this kind fails, which none did before; why, as a sentence. */
  failing(kind: string, why: string): void;
  recovered(): void;
}

/** To be told how each kind's watch goes. A failure that the next attempt mends, as ends of connections are, is none. */
export function createApiHealth(
  listener: ApiHealthListener,
): (kind: string, notice: CollectionNotice) => void {
  const failures = new Map<string, number>();
  let isTold = false;
  return (kind, notice) => {
    if (notice.kind === 'failed') {
      const count = (failures.get(kind) ?? 0) + 1;
      failures.set(kind, count);
      if (count < 2 || isTold) return;
      isTold = true;
      listener.failing(kind, apiSentence(notice.reason));
      return;
    }
    failures.delete(kind);
    if (!isTold || failures.size > 0) return;
    isTold = false;
    listener.recovered();
  };
}
