// What becomes of events that could not be given to an API: a line of the log each, and one for many.
import type { ObjectEvent } from '../model/status.ts';
import type { Log } from './log.ts';

export const eventLog = (log: Log) => ({
  failed({ namespace, name, reason }: ObjectEvent, why: string): void {
    log.warn('event-not-written', { object: `${namespace}/${name}`, reason, next: why });
  },
  dropped(waiting: number): void {
    const next = 'See how busy the API server is; the statuses tell what is so.';
    log.warn('events-dropped', { waiting, next });
  },
});
