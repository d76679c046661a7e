// What becomes of each Service's addresses: Gantry's own planner over the cluster as it is, beside what the statuses say.
import { createAllocator } from '../../ipam/allocator.ts';
import type { ClassPolicy } from '../../ipam/class-policy.ts';
import type { Decision } from '../../ipam/outcome.ts';
import { plan } from '../../ipam/plan.ts';
import { allocationSentence } from '../../ipam/reason.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import type { ServiceKey } from '../../model/service.ts';
import { nothingTouched, type World } from '../../model/world.ts';
import { type Finding, finding } from './finding.ts';

/** One for each Service of type LoadBalancer. */
export function serviceFindings(world: World, policy: ClassPolicy): Finding[] {
  const decisions = new Map<ServiceKey, Decision>();
  for (const decision of plan(createAllocator(policy), world, nothingTouched(true)))
    if (decision !== undefined) decisions.set(decision.service, decision);
  return [...decisions.values()]
    .filter(({ service }) => world.services.get(service)?.type === 'LoadBalancer')
    .sort((a, b) => (a.service < b.service ? -1 : 1))
    .map(findingOf);
}

function findingOf({ service, outcome, before, lost }: Decision): Finding {
  const object = `Service ${service}`;
  const had = listed(before.addresses);
  switch (outcome.kind) {
    case 'gone':
    case 'not-ours':
      return finding(object, 'same', 'is of another load balancer, and left alone');
    case 'refused':
      return had === ''
        ? finding(object, 'note', `has no address, and gets none: ${allocationSentence(outcome.reason)}`)
        : finding(object, 'changes', `loses ${had}: ${whyLost(lost, allocationSentence(outcome.reason))}`);
    case 'allocated': {
      const has = listed(outcome.assignment.addresses);
      const { pool } = outcome.assignment;
      const short = outcome.shortfall === undefined ? '' : `; ${allocationSentence(outcome.shortfall)}`;
      if (sorted(before.addresses) === sorted(outcome.assignment.addresses))
        return finding(object, 'same', `keeps ${has} of the pool ${pool}${short}`);
      return had === ''
        ? finding(object, 'changes', `gets ${has} from the pool ${pool}, and has none now`)
        : finding(object, 'changes', `has ${had}, and gets ${has}: ${whyLost(lost, `of the pool ${pool}`)}`);
    }
    default:
      return outcome satisfies never;
  }
}

const listed = (addresses: readonly Address[]): string => addresses.map(formatAddress).join(' and ');
const sorted = (addresses: readonly Address[]): string => addresses.map(formatAddress).sort().join();

const whyLost = ([first]: Decision['lost'], otherwise: string): string =>
  first === undefined ? otherwise : allocationSentence(first.reason);
