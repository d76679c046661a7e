// `gantry controller`: gives addresses to the Services of a folder; one works, others stand by.
import { statSync } from 'node:fs';
import { Command } from 'commander';
import { runFolderController } from '../controller/folder-controller.ts';
import { createControllerMetrics } from '../controller/metrics.ts';
import type { ControllerPhase } from '../controller/run.ts';
import { serveHttp } from '../observe/http.ts';
import { formatListenAddress } from '../observe/listen-address.ts';
import { createLog, type LogLevel } from '../observe/log.ts';
import { createRegistry } from '../observe/metrics.ts';
import { listenSentence } from '../observe/reason.ts';
import { createSourceMetrics } from '../observe/source-metrics.ts';
import { fail } from './exit-code.ts';
import {
  folderOption,
  type HttpOptionValue,
  httpOption,
  loadBalancerClassOption,
  logLevelOption,
  requireLoadBalancerClassOption,
} from './options.ts';

interface Options {
  readonly folder: string;
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly http: HttpOptionValue;
  readonly logLevel: LogLevel;
}

export function controllerCommand(): Command {
  return new Command('controller')
    .description(
      'Gives addresses to the Services in a folder and writes their statuses. Of several on one folder one works; the others stand by and take over.',
    )
    .addOption(folderOption())
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption())
    .addOption(httpOption('127.0.0.1:7471'))
    .addOption(logLevelOption())
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { folder, http, logLevel } = options;
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    return fail(`there is no folder ${folder}; name the folder of manifests`);
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  const log = createLog({ level: logLevel, component: 'controller' });
  const registry = createRegistry();
  let phase: ControllerPhase = 'reading';
  if (http !== 'off') {
    const listener = await serveHttp({
      address: http,
      registry,
      ready: () => notReady(phase),
      health: () => undefined,
      signal: ended.signal,
    });
    if (listener.kind !== 'listening') return fail(listenSentence(listener));
    log.info('http-listening', { address: formatListenAddress(listener.address) });
  }
  await runFolderController(
    {
      directory: folder,
      policy: {
        loadBalancerClass: options.loadBalancerClass,
        required: options.requireLoadBalancerClass,
      },
      log,
      metrics: createControllerMetrics(registry),
      sourceMetrics: createSourceMetrics(registry),
      phase: (reached) => {
        phase = reached;
      },
    },
    ended.signal,
  );
  log.info('stopped');
}

/** Who stands by is ready to take over. */
const notReady = (phase: ControllerPhase): string | undefined =>
  phase === 'reading'
    ? 'The objects are being read, and no address is given yet; this takes seconds: wait.'
    : undefined;
