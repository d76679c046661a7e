// `gantry standalone`: everything on one machine: controller and agent in this process, pulse in one of its own.
import { statSync } from 'node:fs';
import { Command } from 'commander';
import type { Agent } from '../agent/agent.ts';
import { stopPulse } from '../agent/cleanup.ts';
import { createFolderAgent } from '../agent/folder-agent.ts';
import { runFolderController } from '../controller/folder-controller.ts';
import { logEvents } from '../controller/log-events.ts';
import { createControllerMetrics } from '../controller/metrics.ts';
import { notOurs } from '../ipam/class-policy.ts';
import { createLog, type LogLevel } from '../observe/log.ts';
import { createRegistry } from '../observe/metrics.ts';
import { Registry } from '../observe/prometheus.ts';
import { createSourceMetrics } from '../observe/source-metrics.ts';
import { version } from '../observe/version.ts';
import { connectPulse, pulseSocketPath } from '../pulse/client.ts';
import { abortBySignal, openHttp } from './daemon.ts';
import { fail } from './exit-code.ts';
import {
  bgpListenOption,
  type DataPlaneOption,
  dataPlaneOption,
  folderOption,
  type HttpOptionValue,
  httpOption,
  keyFileOf,
  keyFileOption,
  loadBalancerClassOption,
  logLevelOption,
  nodeOption,
  requireLoadBalancerClassOption,
  runDirOption,
} from './options.ts';
import { createPulseKeeper } from './pulse-keeper.ts';

interface Options {
  readonly folder: string;
  readonly node: string;
  readonly runDir: string;
  readonly dataPlane: DataPlaneOption;
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly http: HttpOptionValue;
  readonly logLevel: LogLevel;
  readonly keyFile?: string;
  readonly bgpListen?: number;
  readonly leavePulse: boolean;
}

export function standaloneCommand(): Command {
  return new Command('standalone')
    .description(
      'Runs controller and agent on a folder, and a pulse beside them in a process of its own, which is taken over if it runs already. A folder without Node objects is about this machine alone. What is in the kernel stays when it ends: see gantry agent cleanup.',
    )
    .addOption(folderOption())
    .addOption(nodeOption())
    .addOption(runDirOption())
    .addOption(dataPlaneOption())
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption())
    .addOption(httpOption('127.0.0.1:7472'))
    .addOption(logLevelOption())
    .addOption(keyFileOption())
    .addOption(bgpListenOption())
    .option('--leave-pulse', 'let pulse answer on when this ends by SIGTERM', false)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { folder, node, runDir, logLevel } = options;
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    return fail(`there is no folder ${folder}; name the folder of manifests`);
  const ended = abortBySignal();
  const policy = {
    loadBalancerClass: options.loadBalancerClass,
    required: options.requireLoadBalancerClass,
  };
  const log = createLog({ level: logLevel, component: 'standalone' }).with({ node });
  const registry = createRegistry();
  let agent: Agent | undefined;
  const ready = (): string | undefined => (agent === undefined ? 'It is starting.' : agent.notReady());
  if (!(await openHttp({ address: options.http, registry, ready, log, signal: ended.signal }))) return;
  const socket = pulseSocketPath(runDir);
  const keeper = createPulseKeeper({ runDirectory: runDir, logLevel, log });
  agent = await createFolderAgent(
    {
      directory: folder,
      node,
      runDirectory: runDir,
      dataPlaneMode: options.dataPlane,
      keyFile: options.keyFile ?? keyFileOf(folder),
      bgpListenPort: options.bgpListen,
      isOurs: (service) => notOurs(service, policy) === undefined,
      isAlone: true,
      events: logEvents(log),
      log: log.with({ part: 'agent' }),
      registry,
      connect: (handlers) =>
        connectPulse(socket, {
          ...handlers,
          disconnected(error) {
            handlers.disconnected(error);
            if (!ended.signal.aborted) keeper.start();
          },
        }),
    },
    ended.signal,
  );
  log.info('started', { version, pid: process.pid });

  const controller = runFolderController(
    {
      directory: folder,
      policy,
      log: log.with({ part: 'controller' }),
      metrics: createControllerMetrics(registry),
      // The agent reads the same objects, and counts them.
      sourceMetrics: createSourceMetrics(new Registry()),
    },
    ended.signal,
  );
  await allOrNone([controller, agent.run()], ended);
  if (!options.leavePulse) await stopPulse((handlers) => connectPulse(socket, handlers));
  log.info('stopped');
}

/** When one fails, the others end as well; rejects with the first failure, once all have ended. */
async function allOrNone(parts: readonly Promise<void>[], ended: AbortController): Promise<void> {
  const guarded = parts.map((part) =>
    part.catch((error: unknown) => {
      ended.abort();
      throw error;
    }),
  );
  const results = await Promise.allSettled(guarded);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
