// `gantry why SERVICE`: the way from a Service to its packets, and the first thing wrong on it.
import { Command } from 'commander';
import type { ClassPolicy } from '../ipam/class-policy.ts';
import { type ServiceKey, serviceKey } from '../model/service.ts';
import type { World } from '../model/world.ts';
import { exitCodes, fail } from './exit-code.ts';
import {
  loadBalancerClassOption,
  type OutputFormat,
  outputOption,
  requireLoadBalancerClassOption,
} from './options.ts';
import { findOrigin, type OriginOptions, originOptions } from './origin.ts';
import { readSnapshot } from './snapshot.ts';
import { chainOf, isBroken } from './why/chain.ts';
import { chainAsJson, renderChain } from './why/render.ts';

interface WhyOptions extends OriginOptions {
  readonly loadBalancerClass?: string;
  readonly requireLoadBalancerClass: boolean;
  readonly output: OutputFormat;
}

export function whyCommand(): Command {
  const command = new Command('why')
    .description(
      'Follows a Service from its object to its packets, and says what is wrong first and what to do about it. Exit code 1 if something is wrong.',
    )
    .argument('<service>', 'NAMESPACE/NAME, or a NAME that only one namespace has');
  for (const option of originOptions()) command.addOption(option);
  return command
    .addOption(loadBalancerClassOption())
    .addOption(requireLoadBalancerClassOption())
    .addOption(outputOption())
    .action(why);
}

async function why(name: string, options: WhyOptions): Promise<void> {
  const origin = await findOrigin(options, 'person');
  if (origin === undefined) return;
  const snapshot = await readSnapshot(origin);
  const keys = matchingKeys(name, snapshot.world);
  const [key] = keys;
  if (keys.length > 1 || key === undefined) {
    return fail(`several namespaces have a Service ${name}; name one of ${keys.join(', ')}`);
  }
  const policy: ClassPolicy = {
    loadBalancerClass: options.loadBalancerClass,
    required: options.requireLoadBalancerClass,
  };
  const chain = chainOf(snapshot, policy, key, Date.now());
  process.stdout.write(options.output === 'json' ? chainAsJson(chain) : renderChain(chain, process.stdout));
  process.exitCode = isBroken(chain) ? exitCodes.failed : exitCodes.ok;
}

/** A name that no namespace has is looked for in `default`, and not found there. */
function matchingKeys(name: string, world: World): ServiceKey[] {
  if (name.includes('/')) return [name];
  const found = [...world.services.values()].filter((service) => service.name === name);
  return found.length > 0 ? found.map(({ key }) => key).sort() : [serviceKey('default', name)];
}
