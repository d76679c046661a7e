// What pulse counts, as told to its listeners: all of it once, then what has changed.
import type { FromPulse, LinkCounters } from './link.ts';
import type { ResponderCounters } from './responder.ts';

export type CountersMessage = Extract<FromPulse, { type: 'counters' }>;

export interface CounterReport {
  /** Counts something that was not believed; returns how often that was so. */
  refuse(cause: string): number;
  all(): CountersMessage;
  /** What has changed since it was asked last; undefined for nothing. */
  news(): CountersMessage | undefined;
}

/** `counters` is looked at whenever it is asked: ten thousand addresses of which few are spoken of cost little. */
export function createCounterReport(counters: ReadonlyMap<string, ResponderCounters>): CounterReport {
  const refused = new Map<string, number>();
  /** The sum of each address's counters, or a refusal's count, when it was told: they only grow. */
  const told = new Map<string, number>();

  const message = (isWanted: (key: string, sum: number) => boolean): CountersMessage => {
    const addresses: LinkCounters[] = [];
    for (const [address, { requestsReceived, responsesSent, gratuitousSent }] of counters) {
      if (isWanted(address, requestsReceived + responsesSent + gratuitousSent))
        addresses.push({ address, requestsReceived, responsesSent, gratuitousSent });
    }
    const refusals = [...refused].map(([cause, count]) => ({ cause, count }));
    return {
      type: 'counters',
      addresses,
      refused: refusals.filter(({ cause, count }) => isWanted(cause, count)),
    };
  };

  return {
    refuse(cause) {
      const count = (refused.get(cause) ?? 0) + 1;
      refused.set(cause, count);
      return count;
    },
    all: () => message(() => true),
    news() {
      const news = message((key, sum) => {
        if ((told.get(key) ?? 0) === sum) return false;
        told.set(key, sum);
        return true;
      });
      return news.addresses.length + news.refused.length > 0 ? news : undefined;
    },
  };
}
