// `gantry controller`: gives addresses to the Services of a folder or a cluster; one works, others stand by.
import { hostname } from 'node:os';
import { Command } from 'commander';
import { runFolderController } from '../controller/folder-controller.ts';
import { runKubernetesController } from '../controller/kubernetes-controller.ts';
import { leaseLock } from '../controller/lease-lock.ts';
import { createControllerMetrics } from '../controller/metrics.ts';
import type { ControllerPhase } from '../controller/run.ts';
import { createWebhookMetrics } from '../controller/webhook/metrics.ts';
import { runWebhook } from '../controller/webhook/webhook.ts';
import { createApiClient } from '../kubernetes/client.ts';
import { createLog, type LogLevel } from '../observe/log.ts';
import { createRegistry } from '../observe/metrics.ts';
import { createSourceMetrics } from '../observe/source-metrics.ts';
import { version } from '../observe/version.ts';
import { abortBySignal, openHttp } from './daemon.ts';
import {
  type HttpOptionValue,
  httpOption,
  loadBalancerClassOption,
  logLevelOption,
  requireLoadBalancerClassOption,
  webhookPortOption,
} from './options.ts';
import { findOrigin, type OriginOptions, originOptions } from './origin.ts';

interface Options extends OriginOptions {
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly webhookPort?: number;
  readonly http: HttpOptionValue;
  readonly logLevel: LogLevel;
}

export function controllerCommand(): Command {
  const command = new Command('controller').description(
    'Gives addresses to the Services of a folder or a cluster, and writes their statuses. Of several one works; the others stand by and take over.',
  );
  for (const option of originOptions()) command.addOption(option);
  return command
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption())
    .addOption(webhookPortOption())
    .addOption(httpOption('127.0.0.1:7471'))
    .addOption(logLevelOption())
    .action(run);
}

async function run(options: Options): Promise<void> {
  const origin = await findOrigin(options, 'daemon');
  if (origin === undefined) return;
  const ended = abortBySignal();
  const log = createLog({ level: options.logLevel, component: 'controller' });
  const registry = createRegistry();
  let reached: ControllerPhase = 'reading';
  const ready = (): string | undefined => notReady(reached);
  if (!(await openHttp({ address: options.http, registry, ready, log, signal: ended.signal }))) return;
  log.info('started', { version, pid: process.pid });
  const common = {
    policy: { loadBalancerClass: options.loadBalancerClass, required: options.requireLoadBalancerClass },
    log,
    metrics: createControllerMetrics(registry),
    sourceMetrics: createSourceMetrics(registry),
    phase: (phase: ControllerPhase): void => {
      reached = phase;
    },
  };
  if (origin.kind === 'folder')
    await runFolderController({ ...common, directory: origin.directory }, ended.signal);
  else {
    const { access, configurationNamespace } = origin;
    using client = createApiClient({ access, userAgent: `gantry-controller/${version}` });
    const { POD_NAME: pod } = process.env;
    const lease = leaseLock({
      client,
      namespace: configurationNamespace,
      identity: pod ?? `${hostname()}-${process.pid}`,
      failed: (why) => log.warn('lease-not-had', { next: why }),
    });
    const webhook =
      options.webhookPort !== undefined &&
      runWebhook(
        {
          client,
          namespace: configurationNamespace,
          port: options.webhookPort,
          log,
          metrics: createWebhookMetrics(registry),
        },
        ended.signal,
      );
    await runKubernetesController(
      { ...common, client, configurationNamespace, lease, host: pod ?? hostname() },
      ended.signal,
    );
    await webhook;
  }
  log.info('stopped');
}

/** Who stands by is ready to take over. */
const notReady = (phase: ControllerPhase): string | undefined =>
  phase === 'reading'
    ? 'The objects are being read, and no address is given yet; this takes seconds: wait.'
    : undefined;
