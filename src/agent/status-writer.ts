// Writes the agent's statuses in the background: the newest version of each object, a few at a time, until it is done.
import type { StatusObject, StatusPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';

export interface StatusWriterOptions {
  readonly port: StatusPort;
  readonly log: Log;
  /** Ends the writing; what is under way is finished. */
  readonly signal: AbortSignal;
}

export interface StatusWriter {
  put(object: StatusObject): void;
  remove(kind: string, namespace: string, name: string): void;
  /** Resolves once nothing is under way, and nothing waits but for a retry. */
  idle(): Promise<void>;
}

const parallelWrites = 2;
const retryMilliseconds = 5000;

export function createStatusWriter({ port, log, signal }: StatusWriterOptions): StatusWriter {
  /** By object: only the newest write counts. */
  const waiting = new Map<string, () => Promise<void>>();
  const underWay = new Set<Promise<void>>();
  const busy = new Set<string>();
  /** What is to be tried again, unless something newer comes before. */
  const failed = new Map<string, () => Promise<void>>();
  let failing = false;

  const enqueue = (id: string, write: () => Promise<void>): void => {
    failed.delete(id);
    waiting.set(id, write);
    startWaiting();
  };

  const startWaiting = (): void => {
    if (signal.aborted) return;
    for (const [id, write] of waiting) {
      if (underWay.size >= parallelWrites) return;
      if (busy.has(id)) continue;
      waiting.delete(id);
      busy.add(id);
      const done = run(id, write).finally(() => {
        underWay.delete(done);
        startWaiting();
      });
      underWay.add(done);
    }
  };

  const run = async (id: string, write: () => Promise<void>): Promise<void> => {
    try {
      await write();
      if (failing) log.info('status-written-again');
      failing = false;
    } catch (error) {
      if (!failing) log.warn('status-not-written', { object: id, error, next: port.advice });
      failing = true;
      if (!waiting.has(id)) retryLater(id, write);
    } finally {
      busy.delete(id);
    }
  };

  const retryLater = (id: string, write: () => Promise<void>): void => {
    failed.set(id, write);
    const retry = (): void => {
      if (failed.get(id) === write) enqueue(id, write);
    };
    setTimeout(retry, retryMilliseconds).unref();
  };

  return {
    put(object) {
      const { namespace = '', name } = object.metadata;
      enqueue(`${object.kind} ${namespace}/${name}`, () => port.put(object));
    },
    remove(kind, namespace, name) {
      enqueue(`${kind} ${namespace}/${name}`, () => port.remove(kind, namespace, name));
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
