// `gantry agent`: announces addresses and forwards their packets on this node.
import { Command, Option } from 'commander';
import type { Agent } from '../agent/agent.ts';
import { createFolderAgent } from '../agent/folder-agent.ts';
import { createKubernetesAgent } from '../agent/kubernetes-agent.ts';
import { logEvents } from '../controller/log-events.ts';
import { notOurs } from '../ipam/class-policy.ts';
import type { Access } from '../kubernetes/access/access.ts';
import { createApiClient } from '../kubernetes/client.ts';
import type { Service } from '../model/service.ts';
import { createLog, type LogLevel } from '../observe/log.ts';
import { createRegistry } from '../observe/metrics.ts';
import { version } from '../observe/version.ts';
import type { MemberPods } from '../sources/kubernetes.ts';
import { agentCleanupCommand } from './agent-cleanup.ts';
import { abortBySignal, openHttp } from './daemon.ts';
import {
  type DataPlaneOption,
  dataPlaneOption,
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
import { findOrigin, type OriginOptions, originOptions } from './origin.ts';

interface Options extends OriginOptions {
  readonly node: string;
  readonly runDir: string;
  readonly dataPlane: DataPlaneOption;
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly http: HttpOptionValue;
  readonly logLevel: LogLevel;
  readonly keyFile?: string;
  readonly stateDir: string;
  readonly memberPods?: string;
}

export function agentCommand(): Command {
  const command = new Command('agent');
  for (const option of originOptions()) command.addOption(option);
  return command
    .description(
      'Announces the addresses of Services through the pulse of this node and programs the kernel to forward their packets. It may be stopped and started at any time: what it has set up goes on without it.',
    )
    .addOption(nodeOption())
    .addOption(runDirOption())
    .addOption(dataPlaneOption())
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption())
    .addOption(httpOption('127.0.0.1:7472'))
    .addOption(logLevelOption())
    .addOption(keyFileOption())
    .addOption(stateDirOption())
    .addOption(memberPodsOption())
    .addCommand(agentCleanupCommand())
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { node, logLevel, runDir: runDirectory, dataPlane: dataPlaneMode } = options;
  const origin = await findOrigin(options, 'daemon');
  if (origin === undefined) return;
  const ended = abortBySignal();
  const log = createLog({ level: logLevel, component: 'agent' }).with({ node });
  const registry = createRegistry();
  let agent: Agent | undefined;
  const ready = (): string | undefined => (agent === undefined ? 'The agent is starting.' : agent.notReady());
  if (!(await openHttp({ address: options.http, registry, ready, log, signal: ended.signal }))) return;
  const policy = {
    loadBalancerClass: options.loadBalancerClass,
    required: options.requireLoadBalancerClass,
  };
  const isOurs = (service: Service): boolean => notOurs(service, policy) === undefined;
  const common = { node, runDirectory, dataPlaneMode, isOurs, log, registry };
  if (origin.kind === 'folder') {
    const { directory } = origin;
    const keyFile = options.keyFile ?? keyFileOf(directory);
    agent = await createFolderAgent(
      { ...common, directory, keyFile, isAlone: false, events: logEvents(log) },
      ended.signal,
    );
  } else {
    const { access, configurationNamespace } = origin;
    agent = await createKubernetesAgent(
      {
        ...common,
        client: createApiClient({ access, userAgent: `gantry-agent/${version}` }),
        configurationNamespace,
        memberPods: memberPodsOf(options.memberPods, access),
        stateDirectory: options.stateDir,
        keyFile: options.keyFile ?? kubernetesKeyFile,
      },
      ended.signal,
    );
  }
  log.info('started', { version, pid: process.pid });
  await agent.run();
  log.info('stopped');
}

/** In the namespace that this program runs in. */
const memberPodsOf = (labelSelector: string | undefined, { namespace }: Access): MemberPods | undefined =>
  labelSelector === undefined ? undefined : { namespace, labelSelector };

const stateDirOption = (): Option =>
  new Option(
    '--state-dir <dir>',
    'where it remembers what the API said, for when that is away at its next start',
  )
    .env('GANTRY_STATE_DIR')
    .default('/var/lib/gantry');

const memberPodsOption = (): Option =>
  new Option(
    '--member-pods <selector>',
    'labels of the pods of gantry pulse: the nodes that have one are the members (default: all nodes)',
  ).env('GANTRY_MEMBER_PODS');

const kubernetesKeyFile = '/etc/gantry/membership.key';
