// What people and programs are told of a decision on a Service: the conditions in its status, and events.
import { type Decision, type Outcome, sameAllocation } from '../ipam/outcome.ts';
import { type AllocationReason, allocationSentence } from '../ipam/reason.ts';
import { type Address, formatAddress, sameAddress } from '../model/address.ts';
import type { Allocated } from '../model/service.ts';
import type { Condition, ObjectEvent } from '../model/status.ts';

/** The Service has the addresses in its status. */
export const allocatedCondition = 'gantry.dev/Allocated';
/** There only while it is False: the Service has addresses, but not all it asks for. */
export const asRequestedCondition = 'gantry.dev/AsRequested';

export type UntimedCondition = Omit<Condition, 'lastTransitionTime'>;
export type EventText = Pick<ObjectEvent, 'type' | 'reason' | 'message'>;

export const allocatedBy = (outcome: Outcome): Allocated =>
  outcome.kind === 'allocated' ? outcome.assignment : { addresses: [], pool: undefined };

export function conditionsOf(outcome: Outcome): readonly UntimedCondition[] {
  switch (outcome.kind) {
    case 'allocated': {
      const { assignment, shortfall } = outcome;
      const message = `Has ${listed(assignment.addresses)} from the pool ${assignment.pool}.`;
      const allocated: UntimedCondition = {
        type: allocatedCondition,
        status: 'True',
        reason: 'Allocated',
        message,
      };
      return shortfall === undefined ? [allocated] : [allocated, failing(asRequestedCondition, shortfall)];
    }
    case 'refused':
      return [failing(allocatedCondition, outcome.reason)];
    case 'not-ours':
    case 'gone':
      return [];
    default:
      return outcome satisfies never;
  }
}

const failing = (type: string, reason: AllocationReason): UntimedCondition => ({
  type,
  status: 'False',
  reason: camelCase(reason.kind),
  message: allocationSentence(reason),
});

/** `pool-exhausted` is `PoolExhausted`. */
const camelCase = (kind: string): string =>
  kind.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Under the names that the reference's users know. Nothing for a decision that changes nothing. */
export function eventsOf({ outcome, changed, before, lost }: Decision): readonly EventText[] {
  if (!changed || outcome.kind === 'gone') return [];
  const events: EventText[] = lost.map(({ address, reason }) => ({
    type: 'Normal',
    reason: 'ClearAssignment',
    message: `Gave up ${formatAddress(address)}. ${allocationSentence(reason)}`,
  }));
  if (outcome.kind === 'not-ours') return events;
  if (outcome.kind === 'refused') return [...events, failure('AllocationFailed', outcome.reason)];
  const { assignment, shortfall } = outcome;
  const gained = assignment.addresses.some(
    (address) => !before.addresses.some((had) => sameAddress(had, address)),
  );
  if (gained) {
    const message = `Assigned ${listed(assignment.addresses)} from the pool ${assignment.pool}.`;
    events.push({ type: 'Normal', reason: 'IPAllocated', message });
  }
  if (shortfall !== undefined) events.push(failure('AdditionalAssignFailed', shortfall));
  return events;
}

/** A request that is unusable by itself has an event name of its own. */
const failure = (reason: string, why: AllocationReason): EventText => ({
  type: 'Warning',
  reason: why.kind === 'invalid-request' ? 'LoadBalancerFailed' : reason,
  message: allocationSentence(why),
});

const listed = (addresses: readonly Address[]): string => addresses.map(formatAddress).join(' and ');

/** With the time at which each last changed from True to False or back; `before` is what was said so far. */
export const timed = (
  conditions: readonly UntimedCondition[],
  before: readonly Condition[],
  now: string,
): readonly Condition[] =>
  conditions.map((condition) => {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    return { ...condition, lastTransitionTime: same?.lastTransitionTime ?? now };
  });

/** Whether a status says the same, whenever it said so first. */
export const saysTheSame = (
  a: { readonly allocated: Allocated; readonly conditions: readonly UntimedCondition[] },
  b: { readonly allocated: Allocated; readonly conditions: readonly UntimedCondition[] },
): boolean =>
  sameAllocation(a.allocated, b.allocated) &&
  a.conditions.length === b.conditions.length &&
  a.conditions.every(({ type, status, reason, message }, index) => {
    const other = b.conditions[index];
    return (
      type === other?.type && status === other.status && reason === other.reason && message === other.message
    );
  });
