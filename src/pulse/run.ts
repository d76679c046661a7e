// The pulse as a process: its socket for agents, its links, its heartbeats, and how it ends.
import { join } from 'node:path';
import { defaultAnnouncerConfig } from '../announce/layer2/announcer.ts';
import { openHeartbeatSession } from '../announce/membership/session.ts';
import type { Rules } from '../announce/membership/state.ts';
import { bootTimeMilliseconds } from '../linux/libc.ts';
import { watchLinks } from '../linux/links.ts';
import type { Log } from '../observe/log.ts';
import { pulseSocketPath } from './client.ts';
import type { FromPulse } from './link.ts';
import { openLinkServer } from './link-server.ts';
import { fileMemory } from './memory.ts';
import { createPacketResponder } from './packet-responder.ts';
import { takePrecedence } from './precedence.ts';
import { createPulse, type Pulse } from './pulse.ts';

export interface RunPulseOptions {
  readonly version: string;
  readonly runDirectory: string;
  readonly heartbeatPort: number;
  readonly rules: Rules;
  readonly excludedInterfaces: readonly RegExp[];
  readonly log: Log;
}

/**
 * Runs until the signal aborts or an agent says `stop`: then it hands its addresses over and resolves. Rejects when
 * the socket or the heartbeat port is taken, or packet sockets are not allowed.
 */
export async function runPulse(options: RunPulseOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  const stopped = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => stopped.resolve(), { once: true });

  // Each part is made with a word to the next; none speaks before all are there.
  let pulse: Pulse | undefined;
  let tell: (message: FromPulse) => void = () => {};
  using session = await openHeartbeatSession(options.heartbeatPort, (bytes, from) =>
    pulse?.heartbeatReceived(bytes, from),
  );
  using responder = createPacketResponder(
    {
      conflict: (address, interfaceName, mac) => pulse?.conflict(address, interfaceName, mac),
      malformed: (cause) => pulse?.malformed(cause),
      failed: (interfaceName, error) => log.debug('interface-failed', { interface: interfaceName, error }),
    },
    bootTimeMilliseconds,
  );
  using running = createPulse({
    version: options.version,
    rules: options.rules,
    announcer: defaultAnnouncerConfig,
    excludedInterfaces: options.excludedInterfaces,
    log,
    session,
    responder,
    memory: fileMemory(join(options.runDirectory, 'membership.json'), log),
    now: bootTimeMilliseconds,
    tell: (message) => tell(message),
  });
  pulse = running;
  await using server = await openLinkServer({
    path: pulseSocketPath(options.runDirectory),
    greeting: () => running.greeting(),
    onMessage: (message) => (message.type === 'stop' ? stopped.resolve() : running.handle(message)),
    onUnknown: () =>
      log.warn('message-unknown', {
        next: 'The agent and the pulse are of different versions: upgrade both to the same.',
      }),
    onDisconnect: (agents) => {
      log.info('listener-gone', { listeners: server.connections });
      if (agents === 0) running.agentGone();
    },
  });
  tell = (message) => server.broadcast(message);
  using _links = watchLinks((links) => running.linksChanged(links));
  log.info('started', { version: options.version, pid: process.pid, favoured: takePrecedence() });

  await stopped.promise;
  running.leave();
  log.info('stopped');
}
