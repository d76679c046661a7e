// The log's words for how an API server is.
import type { Log } from './log.ts';

export const apiLog = (log: Log) => ({
  failing: (kind: string, why: string): void => log.warn('api-not-heard', { kind, next: why }),
  recovered: (): void => log.info('api-heard-again'),
});
