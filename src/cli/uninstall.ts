// `gantry uninstall`: takes back what Gantry's programs have left in a cluster, once they are stopped.
import { Command, Option } from 'commander';
import { createGate } from '../collections/gate.ts';
import type { ClassPolicy } from '../ipam/class-policy.ts';
import { createApiClient } from '../kubernetes/client.ts';
import { exitCodes, fail } from './exit-code.ts';
import {
  loadBalancerClassOption,
  type OutputFormat,
  outputOption,
  requireLoadBalancerClassOption,
} from './options.ts';
import { clusterOptions, findOrigin, type OriginOptions } from './origin.ts';
import { objectTasks } from './uninstall/objects.ts';
import { readPools } from './uninstall/pools.ts';
import { stillRunning } from './uninstall/running.ts';
import { serviceTasks } from './uninstall/services.ts';
import type { Task } from './uninstall/task.ts';

interface UninstallOptions extends OriginOptions {
  readonly keepAddresses?: true;
  readonly release?: true;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly output: OutputFormat;
}

export function uninstallCommand(): Command {
  const command = new Command('uninstall')
    .description(
      'Takes back what Gantry has left in a cluster: its marks on Services, its reports, its ledger, its lock and its keys. To be run once its programs are stopped; what is in the kernels of the nodes is for deploy/cleanup.yaml, and before this.',
    )
    .addOption(new Option('--keep-addresses', 'leave Services their addresses').conflicts('release'))
    .addOption(
      new Option('--release', 'take the addresses that are of our pools off the Services of our class'),
    )
    .option('--dry-run', 'tell what would be done, and do nothing', false)
    .option('--force', 'go on although Gantry runs', false)
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption());
  for (const option of clusterOptions()) command.addOption(option);
  return command.addOption(outputOption()).action(uninstall);
}

async function uninstall(options: UninstallOptions): Promise<void> {
  if (!options.keepAddresses && !options.release)
    return fail('say what becomes of the addresses: --keep-addresses or --release', exitCodes.usage);
  const origin = await findOrigin(options, 'person');
  if (origin?.kind !== 'kubernetes') return;
  const { access, configurationNamespace: namespace } = origin;
  using client = createApiClient({ access, userAgent: 'gantry' });
  const running = options.force || options.dryRun ? [] : await stillRunning(client, namespace);
  if (running.length > 0) return fail(stopFirst(namespace, running));
  const policy: ClassPolicy = {
    loadBalancerClass: options.loadBalancerClass,
    required: options.requireLoadBalancerClass,
  };
  const pools = options.release ? await readPools(client, namespace) : undefined;
  const phases = [await serviceTasks(client, policy, pools), await objectTasks(client, namespace)];
  const tasks = phases.flat();
  if (!options.dryRun) for (const phase of phases) await perform(phase);
  process.stdout.write(
    options.output === 'json'
      ? `${JSON.stringify({ ok: true, dryRun: options.dryRun, done: tasks.map(({ what }) => what) })}\n`
      : summary(tasks, options.dryRun),
  );
}

const writesAtOnce = 16;

/** One line on a terminal tells how far it is. */
async function perform(tasks: readonly Task[]): Promise<void> {
  const gate = createGate(writesAtOnce);
  let done = 0;
  const { stderr } = process;
  await Promise.all(
    tasks.map(async ({ work }) => {
      await gate.pass(work);
      done += 1;
      if (stderr.isTTY) stderr.write(`\r\u001b[K${done} of ${tasks.length}`);
    }),
  );
  if (stderr.isTTY && tasks.length > 0) stderr.write('\r\u001b[K');
}

function summary(tasks: readonly Task[], isDryRun: boolean): string {
  if (tasks.length === 0) return 'Nothing of Gantry is left.\n';
  const lines = tasks.map(({ what }) => `  ${what}\n`).join('');
  return isDryRun ? `Would:\n${lines}` : `Done:\n${lines}`;
}

function stopFirst(namespace: string, running: readonly string[]): string {
  const n = `kubectl --namespace ${namespace}`;
  return [
    `Gantry runs still: ${running.join(', ')}. Stop it first, or give --force:`,
    `  ${n} delete --ignore-not-found deployment/gantry-controller daemonset/gantry-agent daemonset/gantry-pulse`,
    `  ${n} apply --filename deploy/cleanup.yaml`,
    `  ${n} rollout status daemonset/gantry-cleanup`,
    `  ${n} delete daemonset/gantry-cleanup`,
  ].join('\n');
}
