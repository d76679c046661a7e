// The agent's (and the CLI's) side of the pulse socket: connects, reconnects, and hands typed messages over.
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { readLines, writeLine } from './json-lines.ts';
import type { FromPulse, ToPulse } from './link.ts';

export const pulseSocketPath = (runDirectory: string): string => join(runDirectory, 'pulse.sock');

export interface PulseHandlers {
  /** A new connection: send `configure`, then the whole table. */
  connected(): void;
  message(message: FromPulse): void;
  /** It ended or could not be made; another attempt follows. `error` is undefined when pulse closed it. */
  disconnected(error: Error | undefined): void;
}

export interface PulseClient extends Disposable {
  readonly isConnected: boolean;
  /** Dropped while there is no connection: `connected` sends everything again. */
  send(message: ToPulse): void;
}

const firstRetryMilliseconds = 20;
const longestRetryMilliseconds = 1000;

/** Keeps a connection to the pulse at `path` until disposed. The peer runs as the same user: its messages are trusted. */
export function connectPulse(path: string, handlers: PulseHandlers): PulseClient {
  let socket: Socket | undefined;
  let isConnected = false;
  let isClosed = false;
  let retryMilliseconds = firstRetryMilliseconds;
  let timer: NodeJS.Timeout | undefined;

  const open = (): void => {
    const attempt = connect(path);
    let failure: Error | undefined;
    socket = attempt;
    attempt.on('connect', () => {
      isConnected = true;
      retryMilliseconds = firstRetryMilliseconds;
      handlers.connected();
    });
    readLines(attempt, (message) => handlers.message(message as FromPulse));
    attempt.on('error', (error) => {
      failure = error;
    });
    attempt.on('close', () => {
      isConnected = false;
      if (isClosed) return;
      handlers.disconnected(failure);
      timer = setTimeout(open, retryMilliseconds);
      retryMilliseconds = Math.min(retryMilliseconds * 2, longestRetryMilliseconds);
    });
  };
  open();

  return {
    get isConnected() {
      return isConnected;
    },
    send(message) {
      if (isConnected && socket !== undefined) writeLine(socket, message);
    },
    [Symbol.dispose]() {
      isClosed = true;
      clearTimeout(timer);
      socket?.end();
      socket?.unref();
    },
  };
}
