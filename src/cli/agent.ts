// `gantry agent`: announces addresses and forwards their packets on this node.
import { statSync } from 'node:fs';
import { Command } from 'commander';
import type { Agent } from '../agent/agent.ts';
import { createFolderAgent } from '../agent/folder-agent.ts';
import { logEvents } from '../controller/log-events.ts';
import { notOurs } from '../ipam/class-policy.ts';
import { createLog, type LogLevel } from '../observe/log.ts';
import { createRegistry } from '../observe/metrics.ts';
import { version } from '../observe/version.ts';
import { agentCleanupCommand } from './agent-cleanup.ts';
import { abortBySignal, openHttp } from './daemon.ts';
import { exitCodes, fail } from './exit-code.ts';
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

interface Options {
  readonly folder?: string;
  readonly node: string;
  readonly runDir: string;
  readonly dataPlane: DataPlaneOption;
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly http: HttpOptionValue;
  readonly logLevel: LogLevel;
  readonly keyFile?: string;
  readonly bgpListen?: number;
}

export function agentCommand(): Command {
  return new Command('agent')
    .description(
      'Announces the addresses of Services through the pulse of this node and programs the kernel to forward their packets. It may be stopped and started at any time: what it has set up goes on without it.',
    )
    .addOption(folderOption().makeOptionMandatory(false))
    .addOption(nodeOption())
    .addOption(runDirOption())
    .addOption(dataPlaneOption())
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption())
    .addOption(httpOption('127.0.0.1:7472'))
    .addOption(logLevelOption())
    .addOption(keyFileOption())
    .addOption(bgpListenOption())
    .addCommand(agentCleanupCommand())
    .action(run);
}

async function run(options: Options, command: Command): Promise<void> {
  const { folder, node, logLevel } = options;
  // Not mandatory by itself, since `agent cleanup` does without.
  if (folder === undefined) {
    command.error("error: required option '--folder <dir>' not specified", { exitCode: exitCodes.usage });
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    return fail(`there is no folder ${folder}; name the folder of manifests`);
  const ended = abortBySignal();
  const log = createLog({ level: logLevel, component: 'agent' }).with({ node });
  const registry = createRegistry();
  const policy = {
    loadBalancerClass: options.loadBalancerClass,
    required: options.requireLoadBalancerClass,
  };
  let agent: Agent | undefined;
  const ready = (): string | undefined => (agent === undefined ? 'The agent is starting.' : agent.notReady());
  if (!(await openHttp({ address: options.http, registry, ready, log, signal: ended.signal }))) return;
  agent = await createFolderAgent(
    {
      directory: folder,
      node,
      runDirectory: options.runDir,
      dataPlaneMode: options.dataPlane,
      keyFile: options.keyFile ?? keyFileOf(folder),
      bgpListenPort: options.bgpListen,
      isOurs: (service) => notOurs(service, policy) === undefined,
      isAlone: false,
      events: logEvents(log),
      log,
      registry,
    },
    ended.signal,
  );
  log.info('started', { version, pid: process.pid });
  await agent.run();
  log.info('stopped');
}
