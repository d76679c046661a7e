// The chain from a Service to its packets, step by step: pure, from what the folder and the nodes' reports say.

import type { ClassPolicy } from '../../ipam/class-policy.ts';
import { explain } from '../../ipam/explain.ts';
import { formatAddress } from '../../model/address.ts';
import type { ServiceKey } from '../../model/service.ts';
import { nodeStates } from '../node-state.ts';
import type { Snapshot } from '../snapshot.ts';
import { addressSteps, classStep, serviceStep } from './address-steps.ts';
import { advertisementStep, candidatesStep, ownerStep } from './announce-steps.ts';
import { endpointsStep, forwardingStep, hostStep } from './forward-steps.ts';
import { createScene, type Scene } from './scene.ts';
import type { Step } from './step.ts';

export interface Chain {
  readonly service: ServiceKey;
  /** What its status says it has. */
  readonly addresses: readonly string[];
  /** Nodes that answer for it, as far as they live. */
  readonly owners: readonly string[];
  /** Up to the first step without which the next make no sense. */
  readonly steps: readonly Step[];
}

export function chainOf(
  snapshot: Snapshot,
  policy: ClassPolicy,
  key: ServiceKey,
  nowMilliseconds: number,
): Chain {
  const service = snapshot.world.services.get(key);
  const explanation = explain(policy, snapshot.world, key);
  const found = serviceStep(snapshot, key, service);
  const nothing = { service: key, addresses: [], owners: [] };
  if (service === undefined || explanation === undefined) return { ...nothing, steps: [found] };
  const ours = classStep(service, explanation);
  if (ours.verdict !== 'ok') return { ...nothing, steps: [found, ours] };
  const given = [found, ours, ...addressSteps(service, explanation)];
  if (service.allocated.addresses.length === 0) return { ...nothing, steps: given };

  const states = nodeStates(snapshot.world.nodes.keys(), snapshot.reports, nowMilliseconds);
  const scene = createScene(snapshot, policy, service, states);
  return {
    service: key,
    addresses: service.allocated.addresses.map(formatAddress),
    owners: scene.owners.map(({ name }) => name),
    steps: [...given, ...packetSteps(scene)],
  };
}

const packetSteps = (scene: Scene): Step[] => [
  endpointsStep(scene),
  advertisementStep(scene),
  candidatesStep(scene),
  ownerStep(scene),
  ...forwardingStep(scene),
  ...hostStep(scene),
];

/** The step that a person should look at first; undefined where all is well. */
export const firstProblem = ({ steps }: Chain): Step | undefined =>
  steps.find(({ verdict }) => verdict === 'wrong') ?? steps.find(({ verdict }) => verdict === 'warning');

export const isBroken = ({ steps }: Chain): boolean => steps.some(({ verdict }) => verdict === 'wrong');
