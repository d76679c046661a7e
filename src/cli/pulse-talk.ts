// A command's conversation with the pulse of this machine: it listens until it has heard what it wants.
import { connectPulse, pulseSocketPath } from '../pulse/client.ts';
import type { FromPulse, ToPulse } from '../pulse/link.ts';

export interface PulseTalk {
  /** Where it listens. */
  readonly runDirectory: string;
  /** Said at once. */
  readonly say?: ToPulse;
  readonly timeoutMilliseconds: number;
}

/**
 * Calls `hear` with each message until that returns something; resolves with it. Rejects with a sentence when no pulse
 * answers, or when it has not been heard in time: then `late` says what was missing.
 */
export function talkToPulse<T>(
  { runDirectory, say, timeoutMilliseconds }: PulseTalk,
  hear: (message: FromPulse) => T | undefined,
  late: () => string,
): Promise<T> {
  const path = pulseSocketPath(runDirectory);
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      client[Symbol.dispose]();
      act();
    };
    const timer = setTimeout(() => settle(() => reject(new Error(late()))), timeoutMilliseconds);
    const client = connectPulse(path, {
      connected() {
        isConnected = true;
        if (say !== undefined) client.send(say);
      },
      message(message) {
        const heard = hear(message);
        if (heard !== undefined) settle(() => resolve(heard));
      },
      disconnected() {
        const what = isConnected
          ? `the pulse on ${path} has ended`
          : `no pulse answers on ${path}: start gantry pulse (or standalone) there, or name its --run-dir`;
        settle(() => reject(new Error(what)));
      },
    });
  });
}
