// The pulse as a process: its socket for agents, its links, its heartbeats, and how it ends.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultAnnouncerConfig } from '../announce/layer2/announcer.ts';
import { openHeartbeatSession } from '../announce/membership/session.ts';
import type { Rules } from '../announce/membership/state.ts';
import { bootTimeMilliseconds } from '../linux/libc.ts';
import { listLinks, watchLinks } from '../linux/links.ts';
import type { Log } from '../observe/log.ts';
import { createBfd } from './bfd.ts';
import { createKernelBfdEcho } from './bfd-echo.ts';
import { kernelBfdNetwork } from './bfd-network.ts';
import { pulseSocketPath } from './client.ts';
import { createKernelFormerOwners } from './former-owners.ts';
import type { FromPulse } from './link.ts';
import { openLinkServer, refuseTaken } from './link-server.ts';
import { fileMemory } from './memory.ts';
import { createPacketResponder } from './packet-responder.ts';
import { keepCodeInMemory, takePrecedence } from './precedence.ts';
import { createPulse, type Pulse } from './pulse.ts';
import { openHelloSocket } from './segments.ts';
import { estateFormat, takeOver, writeEstate } from './succession.ts';

export interface RunPulseOptions {
  readonly version: string;
  readonly runDirectory: string;
  readonly heartbeatPort: number;
  readonly rules: Rules;
  readonly excludedInterfaces: readonly RegExp[];
  /** Take the place of the pulse that runs here, if one does. */
  readonly replaces: boolean;
  readonly log: Log;
}

/**
 * Runs until the signal aborts or an agent says `stop`: then it hands its addresses over and resolves; or until another
 * pulse takes its place: then it is silent, without a word to the others. Rejects when the socket or the heartbeat port
 * is taken, or packet sockets are not allowed.
 */
export async function runPulse(options: RunPulseOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  const path = pulseSocketPath(options.runDirectory);
  const stopped = Promise.withResolvers<() => void | Promise<void>>();
  signal.addEventListener('abort', () => stopped.resolve(() => leave()), { once: true });

  if (!options.replaces) await refuseTaken(path);
  // What takes time is done before, and what follows in a few milliseconds: nobody speaks meanwhile.
  listLinks();
  const favoured = takePrecedence();
  const lockedCode = keepCodeInMemory();
  const estate = options.replaces ? await takeOver(path) : undefined;

  // Each part is made with a word to the next; none speaks before all are there.
  let pulse: Pulse | undefined;
  let tell: (message: FromPulse) => void = () => {};
  let leave = async (): Promise<void> => {};
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
    (key) => pulse?.knows(key) ?? false,
  );
  using formerOwners = createKernelFormerOwners(log);
  using running = createPulse({
    version: options.version,
    rules: options.rules,
    announcer: defaultAnnouncerConfig,
    excludedInterfaces: options.excludedInterfaces,
    log,
    session,
    responder,
    formerOwners,
    openHelloSocket,
    memory: fileMemory(join(options.runDirectory, 'membership.json'), log),
    now: bootTimeMilliseconds,
    tell: (message) => tell(message),
  });
  pulse = running;
  using bfd = createBfd({
    network: kernelBfdNetwork,
    echo: createKernelBfdEcho(log, Math.random),
    log,
    now: bootTimeMilliseconds,
    random: Math.random,
    tell: (message) => tell(message),
  });
  leave = async () => {
    running.leave();
    await bfd.leave();
  };
  await using server = await openLinkServer({
    path,
    greeting: () => [...running.greeting(), ...bfd.greeting()],
    onMessage(message, reply) {
      if (message.type === 'stop') stopped.resolve(() => leave());
      else if (message.type === 'succeed')
        stopped.resolve(message.format === estateFormat ? () => giveWay(reply) : () => leave());
      else if (message.type === 'bfd') bfd.configure(message.sessions);
      else running.handle(message);
    },
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
  using _links = watchLinks((links) => {
    running.linksChanged(links);
    bfd.linksChanged(links);
  });
  if (estate !== undefined) running.inherit(estate);
  if (estate?.bfd !== undefined) bfd.inherit(estate.bfd);
  log.info('started', {
    version: options.version,
    pid: process.pid,
    favoured,
    lockedCode,
    inherited: estate?.owned.length,
  });

  const giveWay = async (reply: (message: FromPulse) => void): Promise<void> => {
    // With the newest answers the leases last longest.
    running.renew();
    await sleep(renewalMilliseconds);
    const bequest = running.bequeath();
    session[Symbol.dispose]();
    server.close();
    const bfdEstate = bfd.bequeath();
    if (bequest !== undefined) reply({ type: 'estate', estate: writeEstate({ ...bequest, bfd: bfdEstate }) });
  };

  const end = await stopped.promise;
  await end();
  log.info('stopped');
}

/** Longer than a round trip in a local network. */
const renewalMilliseconds = 10;
