// What the long-lived commands have in common: they end by signals, and are watched over HTTP.

import { serveHttp } from '../observe/http.ts';
import { formatListenAddress } from '../observe/listen-address.ts';
import type { Log } from '../observe/log.ts';
import type { Registry } from '../observe/prometheus.ts';
import { listenSentence } from '../observe/reason.ts';
import { fail } from './exit-code.ts';
import type { HttpOptionValue } from './options.ts';

/** Aborts with the first SIGINT or SIGTERM; a second one ends the process as it would without us. */
export function abortBySignal(): AbortController {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  return ended;
}

export interface DaemonHttpOptions {
  readonly address: HttpOptionValue;
  readonly registry: Registry;
  /** Why it is not ready, as a sentence. */
  readonly ready: () => string | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** False, with the failure told, where the port cannot be had. */
export async function openHttp({
  address,
  registry,
  ready,
  log,
  signal,
}: DaemonHttpOptions): Promise<boolean> {
  if (address === 'off') return true;
  // Whatever would make it unhealthy ends it.
  const listener = await serveHttp({ address, registry, ready, health: () => undefined, signal });
  if (listener.kind !== 'listening') {
    fail(listenSentence(listener));
    return false;
  }
  log.info('http-listening', { address: formatListenAddress(listener.address) });
  return true;
}
