// Takes steps to the kernel: in transactions of a bounded size, again where it was busy, without those it refuses.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceKey } from '../../model/service.ts';
import type { DataPlaneReason } from '../reason.ts';
import type { Operation } from './operation.ts';
import { type CommitResult, describeOperation, type NftablesPort } from './port.ts';
import type { SharedObject } from './shared-object.ts';
import { type FrontendChange, planTransaction, type Step, type TableState } from './table-state.ts';

export interface ApplyOptions {
  readonly port: NftablesPort;
  readonly state: TableState;
  /** Goes before the first step, in the same transaction: the layout, where there is none. */
  readonly prefix: readonly Operation[];
  /** About so many elements a transaction. The process waits for it, some 3 µs an element. */
  readonly transactionElements: number;
  /** Awaited between transactions. */
  readonly pause: () => Promise<void>;
  /** Stops where the kernel's table turns out to be another than the state says: it must be read first. */
  readonly stopOnDisagreement: boolean;
}

export interface Applied {
  readonly changes: FrontendChange[];
  readonly retired: SharedObject[];
  readonly failed: Map<ServiceKey, DataPlaneReason>;
  /** True: something was there already, or was not: somebody else changed the table. */
  disagrees: boolean;
  /** True: the prefix is in the kernel, or there was none. */
  prefixDone: boolean;
  /** The last refusal, as a text. */
  refusal: string | undefined;
  transactions: number;
  readonly startedAt: number;
  firstTransactionMilliseconds: number;
}

export async function applySteps(options: ApplyOptions, steps: readonly Step[]): Promise<Applied> {
  const applied: Applied = {
    changes: [],
    retired: [],
    failed: new Map(),
    disagrees: false,
    prefixDone: options.prefix.length === 0,
    refusal: undefined,
    transactions: 0,
    startedAt: performance.now(),
    firstTransactionMilliseconds: 0,
  };
  let part: Step[] = [];
  let weight = 0;
  for (const step of steps) {
    const added = weightOf(step);
    if (part.length > 0 && weight + added > options.transactionElements) {
      await applyTogether(options, part, applied);
      if (applied.disagrees && options.stopOnDisagreement) return applied;
      await options.pause();
      part = [];
      weight = 0;
    }
    part.push(step);
    weight += added;
  }
  if (part.length > 0 || options.prefix.length > 0) await applyTogether(options, part, applied);
  return applied;
}

/** The elements of a step, at most: what stays as it is costs less. */
const weightOf = (step: Step): number =>
  step.put.reduce(
    (sum, { inside, outside }) => sum + 8 + inside.length + outside.length,
    step.remove.length * 8,
  );

/** One transaction; where the kernel refuses it, without the step to blame, or in halves where it blames none. */
async function applyTogether(options: ApplyOptions, steps: readonly Step[], applied: Applied): Promise<void> {
  const transaction = planTransaction(options.state, steps);
  const prefix = applied.prefixDone ? [] : options.prefix;
  const operations = [...prefix, ...transaction.operations];
  const result =
    operations.length === 0 ? ({ ok: true } as const) : await commitPatiently(options.port, operations);
  if (result.ok) {
    transaction.done();
    applied.prefixDone = true;
    if (operations.length > 0) applied.transactions++;
    if (applied.transactions === 1)
      applied.firstTransactionMilliseconds ||= performance.now() - applied.startedAt;
    applied.changes.push(...transaction.changes);
    applied.retired.push(...transaction.retired);
    return;
  }

  const refused = result.operation === undefined ? undefined : operations[result.operation];
  const operation = refused === undefined ? 'the whole transaction' : describeOperation(refused);
  const error = result.detail === '' ? result.code : `${result.code}: ${result.detail}`;
  const fail = (failed: readonly Step[]): void => {
    for (const { service } of failed)
      applied.failed.set(service, { kind: 'kernel-refused', service, operation, error });
  };
  applied.refusal = `the kernel refused ${operation}: ${error}`;
  if (result.code === 'ENOENT' || result.code === 'EEXIST') applied.disagrees = true;

  const isPrefix = result.operation !== undefined && result.operation < prefix.length;
  if (isPrefix || steps.length === 0 || (applied.disagrees && options.stopOnDisagreement)) {
    fail(steps);
    return;
  }
  const blamed = transaction.stepOf[(result.operation ?? operations.length) - prefix.length];
  if (blamed !== undefined || steps.length === 1) {
    const culprit = blamed ?? 0;
    fail(steps.slice(culprit, culprit + 1));
    await applyTogether(options, steps.toSpliced(culprit, 1), applied);
  } else {
    const half = Math.ceil(steps.length / 2);
    await applyTogether(options, steps.slice(0, half), applied);
    await applyTogether(options, steps.slice(half), applied);
  }
}

/** The kernel was busy: a hash table was growing, a buffer was full, or somebody else's transaction came between. */
const passing = new Set(['EAGAIN', 'EBUSY', 'EINTR', 'ENOBUFS']);
const patienceMilliseconds = [5, 20, 100];

export async function commitPatiently(
  port: NftablesPort,
  operations: readonly Operation[],
): Promise<CommitResult> {
  let result = port.commit(operations);
  for (const milliseconds of patienceMilliseconds) {
    if (result.ok || !passing.has(result.code)) break;
    await sleep(milliseconds);
    result = port.commit(operations);
  }
  return result;
}
