// The controller: gives addresses to Services while it holds the lock, and stands by while another does.
//
// No address is given twice in one folder or cluster, whatever crashes and whenever:
// - one controller is active at a time, by the lock, which outlives no holder and which the holder keeps until its last
//   write is done;
// - who becomes active reads all objects and statuses after it has the lock, so it sees every status that its
//   predecessor wrote, and lets Services keep what those say before it gives anything;
// - what it has decided and not yet written dies with it, and nobody has acted on it: agents announce only what is
//   written;
// - a status is replaced as a whole or not at all, and an address is given up in one status durably before another
//   claims it (`StatusWriter`).
import type { ClassPolicy } from '../ipam/class-policy.ts';
import type { Allocated, ServiceKey } from '../model/service.ts';
import type { EventPort, StatusPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';
import type { SourceMetrics } from '../observe/source-metrics.ts';
import type { Source } from '../sources/source.ts';
import type { Clock } from './clock.ts';
import { configurationReport } from './configuration-report.ts';
import { Inbox } from './inbox.ts';
import { acquire, type ControllerLock } from './lock.ts';
import { createMemoryKeeper } from './memory-keeper.ts';
import type { ControllerMetrics } from './metrics.ts';
import { PoolStatuses } from './pool-statuses.ts';
import { createProbePatience } from './probe-patience.ts';
import { Reconciler } from './reconciler.ts';
import { ServiceStatuses, serviceOfStatusId } from './service-statuses.ts';
import { StatusWriter } from './status-writer.ts';
import { throttle } from './throttle.ts';
import type { WrittenStatuses } from './written-statuses.ts';

export interface ControllerOptions {
  /** Is started once the lock is held, and disposed at the end. */
  readonly source: Source;
  readonly lock: ControllerLock;
  readonly status: StatusPort;
  /** Statuses that may be under way at once; undefined: as many as suit a disk. */
  readonly parallelWrites?: number;
  /** What was written before, where statuses lie apart from their objects and can be left over from them. */
  readonly written?: WrittenStatuses;
  readonly events: EventPort;
  readonly policy: ClassPolicy;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  readonly sourceMetrics: SourceMetrics;
  /** For when it is quiet after many changes. */
  readonly collectGarbage?: () => void;
  /** Told when it changes. */
  readonly phase?: (phase: ControllerPhase) => void;
}

/** `active` from the first plan on. */
export type ControllerPhase = 'standing-by' | 'reading' | 'active';

const poolStatusMilliseconds = 1000;

/**
 * Resolves some time after the signal aborted or the lock was lost, when all that was begun has ended. Rejects when the source cannot be
 * read or the lock cannot be tried, and by a defect: then nothing more is written.
 */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, phase = () => {} } = options;
  await using held = await acquire(options.lock, clock, signal, () => {
    phase('standing-by');
    log.info('standing-by');
  });
  await using source = options.source;
  if (held === undefined) return;
  phase('reading');
  log.info('lock-acquired');
  const { lost } = held;
  await work(options, source, lost === undefined ? signal : AbortSignal.any([signal, lost]));
  if (lost?.aborted) log.warn('lock-lost', { next: lostAdvice });
}

const lostAdvice =
  'Another controller works now, or none could be sure of the lock; this one stands by again.';

async function work(options: ControllerOptions, source: Source, signal: AbortSignal): Promise<void> {
  const { policy, status, events, clock, log, metrics, sourceMetrics, phase = () => {} } = options;
  await using writer = new StatusWriter({
    clock,
    ...(options.parallelWrites !== undefined && { parallelWrites: options.parallelWrites }),
    failed(id, error, attempt) {
      metrics.statusNotWritten();
      if (attempt > 1) return;
      log.warn('status-not-written', { object: id, error, next: status.advice });
      const service = serviceOfStatusId(id);
      if (service !== undefined) services.notWritten(service, error);
    },
    recovered: (id) => log.info('status-written-again', { object: id }),
  });
  const services = new ServiceStatuses({ writer, status, events, clock });
  const pools = new PoolStatuses(writer, status);
  const claimed = async (service: ServiceKey): Promise<Allocated> =>
    (await options.written?.allocated(service)) ?? { addresses: [], pool: undefined };
  const reconciler = new Reconciler({ policy, writer, services, claimed });
  metrics.observe(() => reconciler.view);
  const reportPools = throttle(poolStatusMilliseconds, clock, signal, () =>
    pools.report(reconciler.view.pools),
  );

  const inbox = new Inbox();
  const patience = createProbePatience(clock, signal, (given) => {
    log.warn('probes-not-awaited', { pools: given.join(' '), next: probeAdvice });
    reconciler.awaitNoLonger(given);
    inbox.put({ changes: [], complete: true });
  });
  const problems = configurationReport({ writer, status, clock, log, sourceMetrics });
  source.start({ batch: (batch) => inbox.put(batch), problems }).catch((error: unknown) => inbox.fail(error));
  const [oldServices = [], oldPools = []] = await Promise.all([
    options.written?.keys('Service'),
    options.written?.keys('IPAddressPool'),
  ]);
  services.adopt(oldServices);
  pools.adopt(oldPools);
  const memory = createMemoryKeeper(clock, signal, options.collectGarbage ?? (() => {}));
  let isActive = false;
  for (;;) {
    const batches = await inbox.take(signal);
    if (signal.aborted) return;
    const began = clock.now();
    await reconciler.handle(batches);
    const changes = batches.reduce((sum, batch) => sum + batch.changes.length, 0);
    sourceMetrics.updated(changes);
    memory.note(changes);
    if (!reconciler.isComplete) continue;
    patience.look(reconciler.poolsAwaitingProbes);
    reportPools();
    if (!isActive) {
      isActive = true;
      sourceMetrics.loaded();
      phase('active');
      log.info('active', { changes, milliseconds: clock.now() - began });
    } else log.debug('planned', { changes, milliseconds: clock.now() - began });
  }
}

const probeAdvice =
  'No node has found an address of theirs clear in time, so they give addresses that were not probed. See that agents run on nodes of their link.';
