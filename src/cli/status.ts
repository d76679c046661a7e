// `gantry status`: Services, addresses, who answers for them, the nodes, and what is wrong with the configuration.
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { ClassPolicy } from '../ipam/class-policy.ts';
import { exitCodes } from './exit-code.ts';
import {
  loadBalancerClassOption,
  type OutputFormat,
  outputOption,
  requireLoadBalancerClassOption,
} from './options.ts';
import { findOrigin, type Origin, type OriginOptions, originOptions } from './origin.ts';
import { readSnapshot } from './snapshot.ts';
import { isAllWell, overviewAsJson, overviewOf, renderOverview } from './status/overview.ts';

interface StatusOptions extends OriginOptions {
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly output: OutputFormat;
  readonly watch: boolean;
}

export function statusCommand(): Command {
  const command = new Command('status').description(
    'Shows every Service with its addresses, the node that answers for them and whether packets get through, then the nodes, then what is wrong with the configuration. Exit code 1 if anything is not well.',
  );
  for (const option of originOptions()) command.addOption(option);
  return command
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption())
    .addOption(outputOption())
    .option('-w, --watch', 'look again every second, until interrupted', false)
    .action(status);
}

async function status(options: StatusOptions): Promise<void> {
  const origin = await findOrigin(options, 'person');
  if (origin === undefined) return;
  let shown: string | undefined;
  do {
    const text = await look(options, origin);
    if (text !== shown) process.stdout.write(options.watch ? fresh(text) : text);
    shown = text;
    if (options.watch) await sleep(1000);
  } while (options.watch);
}

/** Sets the exit code as well. */
async function look(options: StatusOptions, origin: Origin): Promise<string> {
  const snapshot = await readSnapshot(origin);
  const policy: ClassPolicy = {
    loadBalancerClass: options.loadBalancerClass,
    required: options.requireLoadBalancerClass,
  };
  const overview = overviewOf(snapshot, policy, Date.now());
  process.exitCode = isAllWell(overview) ? exitCodes.ok : exitCodes.failed;
  return options.output === 'json' ? overviewAsJson(overview) : renderOverview(overview, process.stdout);
}

/** On a terminal each look replaces the last (ECMA-48: cursor home, erase below). */
const fresh = (text: string): string => (process.stdout.isTTY ? `\u001b[H\u001b[J${text}` : `${text}\n`);
