// The first steps: the Service's object, its class, its addresses and the pool that they are from.
import { nearest } from '../../api/nearest.ts';
import { type Explanation, verdictClause } from '../../ipam/explain.ts';
import { allocationSentence } from '../../ipam/reason.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import type { ObjectProblem } from '../../model/problem.ts';
import type { Service, ServiceKey } from '../../model/service.ts';
import type { World } from '../../model/world.ts';
import type { Snapshot } from '../snapshot.ts';
import { type WhyReason, whySentence } from './reason.ts';
import { judged, listed, ok, type Step } from './step.ts';

export function serviceStep(
  { world, problems }: Snapshot,
  key: ServiceKey,
  service: Service | undefined,
): Step {
  const [problem] = problems.filter((candidate) => candidate.severity === 'error' && isAbout(candidate, key));
  if (service !== undefined && problem === undefined) return ok('service', describe(service));
  const reason = whatIsWrong(world, key, service, problem);
  return judged('service', service === undefined ? 'wrong' : 'warning', reason, whySentence(reason));
}

function whatIsWrong(
  world: World,
  key: ServiceKey,
  service: Service | undefined,
  problem: ObjectProblem | undefined,
): WhyReason {
  if (problem === undefined) {
    return { kind: 'service-not-found', service: key, meant: nearest(key, world.services.keys()) };
  }
  return { kind: service === undefined ? 'service-set-aside' : 'service-outdated', problem };
}

const isAbout = ({ kind, namespace, name }: ObjectProblem, key: ServiceKey): boolean =>
  kind === 'Service' && `${namespace === '' ? 'default' : namespace}/${name}` === key;

function describe({ type, ports, externalTrafficPolicy, ipFamilyPolicy }: Service): string {
  const list = ports.map(({ port, protocol }) => `${port}/${protocol}`);
  return `It is of type ${type}, with ${listed(list)}, externalTrafficPolicy ${externalTrafficPolicy}, ${ipFamilyPolicy}.`;
}

export function classStep(service: Service, { outcome }: Explanation): Step {
  if (outcome.kind === 'not-ours') {
    return judged('class', 'wrong', outcome.reason, allocationSentence(outcome.reason));
  }
  const { loadBalancerClass } = service;
  return ok(
    'class',
    loadBalancerClass === undefined
      ? 'It has no loadBalancerClass, so Gantry serves it.'
      : `Its loadBalancerClass is ${loadBalancerClass}, which Gantry serves.`,
  );
}

/** One or two steps: without an address there is no pool. */
export function addressSteps(service: Service, { outcome, written, pools }: Explanation): Step[] {
  const considered = pools.map(({ pool, verdict }) => `${pool}: ${verdictClause(verdict)}`);
  if (outcome.kind === 'refused') {
    return [judged('address', 'wrong', outcome.reason, allocationSentence(outcome.reason), considered)];
  }
  if (outcome.kind !== 'allocated') return [];
  const { pool, addresses } = outcome.assignment;
  const chosen = pools.find((candidate) => candidate.pool === pool);
  const sizes = Object.entries(chosen?.usage.families ?? {})
    .filter(([, { size }]) => size > 0n)
    .map(([family, { inUse, size }]) => `${inUse} of ${size} ${family}`);
  return [
    addressStep(service, addresses, written, outcome.shortfall),
    ok('pool', `The pool ${pool}, of which ${listed(sizes)} addresses are in use.`, considered),
  ];
}

function addressStep(
  service: Service,
  planned: readonly Address[],
  written: boolean,
  shortfall: Parameters<typeof allocationSentence>[0] | undefined,
): Step {
  const addresses = listed(planned.map(formatAddress));
  const has = listed(service.allocated.addresses.map(formatAddress));
  if (!written && has === '') {
    const reason = { kind: 'address-not-written', addresses } as const;
    return judged('address', 'wrong', reason, whySentence(reason));
  }
  if (!written && has !== addresses) {
    const reason = { kind: 'address-outdated', addresses, written: has } as const;
    return judged('address', 'warning', reason, whySentence(reason));
  }
  if (shortfall !== undefined) {
    return judged('address', 'warning', shortfall, allocationSentence(shortfall), [`It has ${has}.`]);
  }
  return ok('address', `It has ${has}.`);
}
