// The controller of a Kubernetes cluster: of several replicas the one works that has the Lease and has fenced the ledger.
import { randomUUID } from 'node:crypto';
import type { ClassPolicy } from '../ipam/class-policy.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { type ApiReason, apiSentence } from '../kubernetes/reason.ts';
import { trimMalloc } from '../linux/malloc-trim.ts';
import { apiLog } from '../observe/api-log.ts';
import { eventLog } from '../observe/event-log.ts';
import type { Log } from '../observe/log.ts';
import { collectGarbage } from '../observe/small-process.ts';
import type { SourceMetrics } from '../observe/source-metrics.ts';
import { createApiHealth } from '../sources/api-health.ts';
import { controllerKinds, kubernetesSource } from '../sources/kubernetes.ts';
import { kubernetesEvents } from '../sources/kubernetes-events.ts';
import { fieldManager, kubernetesStatus } from '../sources/kubernetes-status.ts';
import { createServiceVersions } from '../sources/service-versions.ts';
import { type Claim, type ClaimLedger, createClaimLedger } from './claim-ledger.ts';
import { systemClock } from './clock.ts';
import type { ControllerLock } from './lock.ts';
import { ensureMembershipSecret, membershipSecretName } from './membership-secret.ts';
import type { ControllerMetrics } from './metrics.ts';
import { type ControllerPhase, runController } from './run.ts';
import { createServiceStatusWrites, type ServiceStatusWrites } from './service-status-writes.ts';

export interface KubernetesControllerOptions {
  readonly client: ApiClient;
  readonly configurationNamespace: string;
  /** The Lease; the ledger is fenced on top of it. */
  readonly lease: ControllerLock;
  /** The pod that this is, for who reads its events. */
  readonly host?: string;
  readonly policy: ClassPolicy;
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  readonly sourceMetrics: SourceMetrics;
  readonly phase?: (phase: ControllerPhase) => void;
}

/** Claims wait for one another's ledger write; more at once make it cost less for each. */
const parallelWrites = 128;

/** Resolves after the signal aborted. When the lock is lost it stands by again. */
export async function runKubernetesController(
  options: KubernetesControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) await runOnce(options, signal);
}

async function runOnce(options: KubernetesControllerOptions, signal: AbortSignal): Promise<void> {
  const { client, configurationNamespace, log } = options;
  const versions = createServiceVersions();
  const ledger = createClaimLedger({ client, namespace: configurationNamespace, holder: randomUUID() });
  const writes = createServiceStatusWrites({ client, fieldManager, versions, ledger });
  await using events = kubernetesEvents({
    client,
    ...eventLog(log),
    versions,
    component: 'gantry-controller',
    ...(options.host !== undefined && { host: options.host }),
  });
  await runController(
    {
      policy: options.policy,
      log,
      metrics: options.metrics,
      sourceMetrics: options.sourceMetrics,
      ...(options.phase && { phase: options.phase }),
      source: kubernetesSource({
        client,
        configurationNamespace,
        kinds: controllerKinds,
        versions,
        tellsVersions: true,
        tell: createApiHealth(apiLog(log)),
      }),
      lock: fencedLock(options, ledger, writes),
      status: kubernetesStatus({ client, configurationNamespace, services: writes }),
      parallelWrites,
      events,
      clock: systemClock,
      collectGarbage: () => {
        collectGarbage();
        trimMalloc();
      },
    },
    signal,
  );
  await ledger.close();
}

/** Who has the lease takes the ledger over, and brings to an end what its predecessor had begun, before anything else. */
function fencedLock(
  { client, configurationNamespace, lease, log }: KubernetesControllerOptions,
  ledger: ClaimLedger,
  writes: Pick<ServiceStatusWrites, 'finish'>,
): ControllerLock {
  let isTold = false;
  const notFenced = (reason: ApiReason): void => {
    if (!isTold) log.warn('ledger-not-taken-over', { next: apiSentence(reason) });
    isTold = true;
  };
  return {
    async tryAcquire(signal) {
      const held = await lease.tryAcquire(signal);
      if (held === undefined) return undefined;
      const left = await ledger.fence();
      const failed = left.ok ? await finishAll(left.value, writes, log) : left.reason;
      if (failed !== undefined) {
        notFenced(failed);
        await held[Symbol.asyncDispose]();
        return undefined;
      }
      await haveKey(client, configurationNamespace, log);
      const lost = held.lost === undefined ? ledger.lost : AbortSignal.any([held.lost, ledger.lost]);
      return { lost, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
    },
  };
}

async function finishAll(
  claims: readonly Claim[],
  { finish }: Pick<ServiceStatusWrites, 'finish'>,
  log: Log,
): Promise<ApiReason | undefined> {
  const outcomes = await Promise.all(
    claims.map(async (claim) => ({ service: claim.service, outcome: await finish(claim) })),
  );
  for (const { service, outcome } of outcomes)
    if (outcome.ok && outcome.value === 'finished') log.info('claim-finished', { service });
  return outcomes.flatMap(({ outcome }) => (outcome.ok ? [] : outcome.reason))[0];
}

/** Nothing here needs the key: where it cannot be made, addresses are given all the same. */
async function haveKey(client: ApiClient, namespace: string, log: Log): Promise<void> {
  const outcome = await ensureMembershipSecret(client, namespace);
  if (!outcome.ok) log.warn('membership-key-not-made', { next: apiSentence(outcome.reason) });
  else if (outcome.value === 'made') log.info('membership-key-made', { secret: membershipSecretName });
}
