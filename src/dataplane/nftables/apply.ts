// The nftables data plane: keeps what was asked for, brings the kernel there by small transactions, and looks after it.
import { setImmediate } from 'node:timers/promises';
import type { Cidr } from '../../model/address.ts';
import type { ServiceKey } from '../../model/service.ts';
import {
  type Adoption,
  type AuditResult,
  type DataPlane,
  nothingDone,
  type SyncResult,
} from '../data-plane.ts';
import type { DataPlaneReason } from '../reason.ts';
import type { Frontend } from '../table.ts';
import { endStaleFlows, forgetWithdrawn } from './apply-flows.ts';
import { type Applied, applySteps, commitPatiently } from './apply-steps.ts';
import type { ConntrackPort } from './conntrack-port.ts';
import { layoutOperations, podsOperations } from './layout.ts';
import type { Operation } from './operation.ts';
import type { NftablesPort } from './port.ts';
import { readTable, seemsUnchanged, type TableFound } from './read-table.ts';
import type { SharedObject } from './shared-object.ts';
import { stepsFor, stepsForUnclaimed } from './steps.ts';
import { emptyState, type Step, unused } from './table-state.ts';

export interface NftablesOptions {
  /** Disposed with the data plane, like `conntrack`. */
  readonly port: NftablesPort;
  readonly conntrack: ConntrackPort;
  /** How long what no frontend needs any more is left for packets on their way. */
  readonly graceMilliseconds?: number;
  /** About so many elements a transaction, which the process waits for at some 3 µs each. */
  readonly transactionElements?: number;
}

export function createNftablesDataPlane(options: NftablesOptions): DataPlane {
  const { conntrack, graceMilliseconds = 1000, transactionElements = 1000 } = options;
  const port = countingCommits(options.port);
  const pause = pauseNowAndThen();
  const wanted = new Map<ServiceKey, readonly Frontend[]>();
  let podCidrs: readonly Cidr[] = [];
  let state = emptyState();
  /** What the next transaction begins with, besides the pods' ranges; undefined as long as the table was not read. */
  let layout: readonly Operation[] | undefined;
  let podCidrsPending = true;
  let synced = false;
  let retired: readonly SharedObject[] = [];
  let retirement: NodeJS.Timeout | undefined;
  let strangersBefore = 0;
  let lastTurn: Promise<unknown> = Promise.resolve();

  /** Carries out calls one after the other. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = lastTurn.then(work);
    lastTurn = turn.catch(() => {});
    return turn;
  }

  /** Others' transactions on this host's nf_tables, counted from anywhere. */
  const strangers = (): number => port.generation() - port.commits();

  async function read(endpoints: boolean): Promise<TableFound> {
    strangersBefore = strangers();
    const found = await readTable(port, endpoints, pause);
    state = found.kind === 'ours' ? found.state : emptyState();
    retired = [];
    const removal: readonly Operation[] = found.kind === 'other' ? [{ op: 'delete-table' }] : [];
    layout = found.kind === 'ours' ? [] : [...removal, ...layoutOperations];
    podCidrsPending = true;
    return found;
  }

  async function apply(steps: readonly Step[], stopOnDisagreement: boolean): Promise<Applied> {
    const prefix = [...(layout ?? []), ...(podCidrsPending ? podsOperations(podCidrs) : [])];
    const applied = await applySteps(
      { port, state, prefix, transactionElements, pause, stopOnDisagreement },
      steps,
    );
    if (applied.prefixDone) {
      layout = [];
      podCidrsPending = false;
    }
    retire(applied.retired);
    return applied;
  }

  /** Brings the table from whatever it holds to all that is wanted. */
  async function applyEverything(stopOnDisagreement: boolean): Promise<Applied> {
    const gone = [...state.keysOf.keys()].filter((service) => !wanted.has(service));
    const all = new Map([...wanted, ...gone.map((service) => [service, []] as const)]);
    const put = await apply(stepsFor(state, all), stopOnDisagreement);
    if (!put.prefixDone || (put.disagrees && stopOnDisagreement)) return put;
    const refused = [...put.failed.keys()].flatMap((service) => wanted.get(service) ?? []);
    const removal = await apply(stepsForUnclaimed(state, refused), stopOnDisagreement);
    const waiting = new Set(retired);
    retire(unused(state).filter((object) => !waiting.has(object)));
    return {
      ...put,
      changes: [...put.changes, ...removal.changes],
      failed: new Map([...removal.failed, ...put.failed]),
      disagrees: put.disagrees || removal.disagrees,
      transactions: put.transactions + removal.transactions,
    };
  }

  function retire(objects: readonly SharedObject[]): void {
    if (objects.length === 0) return;
    retired = [...retired, ...objects];
    retirement ??= setTimeout(() => {
      retirement = undefined;
      void inTurn(destroyRetired);
    }, graceMilliseconds).unref();
  }

  /** Those that came into use again stay; those that cannot go now are found unused when the table is next read. */
  async function destroyRetired(): Promise<void> {
    // One may have been retired twice, in use between; and a scope before the last chain that remembers for it.
    const unused = new Map(retired.map((object) => [object.id, object]));
    const objects = [...unused.values()].filter(({ id }) => state.present.has(id) && !state.uses.has(id));
    retired = [];
    if (objects.length === 0) return;
    const inOrder = [
      ...objects.filter(({ goes }) => goes !== 'last'),
      ...objects.filter(({ goes }) => goes === 'last'),
    ];
    const operations = inOrder.flatMap((object) => object.destroy());
    const result = await commitPatiently(port, operations);
    if (result.ok) for (const { id } of objects) state.present.delete(id);
  }

  /** What follows the frontends: affinities and UDP flows; and where the kernel disagreed with us, all once more. */
  async function settle(first: Applied, startedAt: number): Promise<SyncResult> {
    let applied = first;
    if (first.disagrees) {
      await read(true);
      const again = await applyEverything(false);
      applied = { ...again, changes: [...first.changes, ...again.changes] };
    }
    await forgetWithdrawn(port, state, applied.changes, pause);
    let flowsEnded = 0;
    let flowsProblem: DataPlaneReason | undefined;
    try {
      flowsEnded = await endStaleFlows(conntrack, applied.changes, pause);
    } catch (error) {
      flowsProblem = { kind: 'flows-not-ended', error: String(error) };
    }
    return {
      failed: applied.failed,
      transactions: applied.transactions + (applied === first ? 0 : first.transactions),
      milliseconds: performance.now() - startedAt,
      firstTransactionMilliseconds: first.firstTransactionMilliseconds,
      flowsEnded,
      flowsProblem,
    };
  }

  return {
    mode: 'nftables',

    adopt: () =>
      inTurn(async (): Promise<Adoption> => {
        const { kind } = await read(false);
        const found = { none: 'nothing', other: 'another layout', ours: 'ours' } as const;
        return { found: found[kind], frontends: state.frontends.size };
      }),

    setPodCidrs: (cidrs) =>
      inTurn(async () => {
        podCidrs = cidrs;
        podCidrsPending = true;
        // Before the first sync nothing is changed: then it goes with that.
        if (!synced) return;
        const applied = await apply([], true);
        await settle(applied, performance.now());
        if (podCidrsPending) throw new Error(applied.refusal ?? "the kernel refused the pods' ranges");
      }),

    sync: (changes, scope) =>
      inTurn(async () => {
        const startedAt = performance.now();
        if (scope === 'everything') wanted.clear();
        for (const [service, frontends] of changes) {
          if (frontends.length === 0) wanted.delete(service);
          else wanted.set(service, frontends);
        }
        if (layout === undefined) await read(false);
        synced = true;
        const applied =
          scope === 'everything' ? await applyEverything(true) : await apply(stepsFor(state, changes), true);
        return settle(applied, startedAt);
      }),

    audit: (depth) =>
      inTurn(async (): Promise<AuditResult> => {
        const startedAt = performance.now();
        if (depth === 'quick') {
          const before = strangers();
          const isUntouched = before === strangersBefore;
          if (isUntouched || (await seemsUnchanged(port, state, pause))) {
            strangersBefore = before;
            return { ...nothingDone, milliseconds: performance.now() - startedAt, read: !isUntouched };
          }
        }
        await read(true);
        const applied = await applyEverything(false);
        const repaired = applied.changes.filter(({ touched }) => touched).length;
        return { ...(await settle(applied, startedAt)), read: true, repaired };
      }),

    cleanup: () =>
      inTurn(async () => {
        wanted.clear();
        state = emptyState();
        retired = [];
        layout = undefined;
        synced = false;
        const result = await commitPatiently(port, [{ op: 'delete-table' }]);
        if (!result.ok && result.code !== 'ENOENT')
          throw new Error(
            `the kernel refused to delete the table inet gantry: ${result.code} ${result.detail}`,
          );
      }),

    async [Symbol.asyncDispose]() {
      clearTimeout(retirement);
      await lastTurn;
      port[Symbol.dispose]();
      conntrack[Symbol.dispose]();
    },
  };
}

/** The same port, which counts the transactions that it did. */
function countingCommits(port: NftablesPort): NftablesPort & { commits(): number } {
  let commits = 0;
  return {
    commit(operations) {
      const result = port.commit(operations);
      if (result.ok) commits++;
      return result;
    },
    commits: () => commits,
    chains: () => port.chains(),
    sets: () => port.sets(),
    elements: (set) => port.elements(set),
    generation: () => port.generation(),
    [Symbol.dispose]: () => port[Symbol.dispose](),
  };
}

/** Lets others run when 4 ms have passed since they last could. */
function pauseNowAndThen(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < 4) return;
    await setImmediate();
    since = performance.now();
  };
}
