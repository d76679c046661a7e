// The lock of a cluster's controllers: a Lease of coordination.k8s.io, which the holder renews and the others watch.
//
// No clock is shared: a standby counts from when it *saw* the last renewal. A holder that slept may still believe that it
// holds the Lease, so the Lease alone makes nothing safe: the ledger's fence does. Therefore a holder need not give up
// when the API is away, when nothing can be written anyway: it goes on unless another has the Lease.
import { type ApiObject, isRecord } from '../kubernetes/api-object.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { createObject, getObject, replaceObject } from '../kubernetes/objects.ts';
import { type ApiReason, apiSentence } from '../kubernetes/reason.ts';
import { leases } from '../kubernetes/resource.ts';
import type { ControllerLock, HeldLock } from './lock.ts';

export interface LeaseLockOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  /**
   * Different for each that tries: a Lease that has it already is one's own, from before a restart. A pod's name is such.
   */
  readonly identity: string;
  /** A holder that was not seen to renew for so long is gone; four times it renews within. */
  readonly leaseMilliseconds?: number;
  /** The API does not let the Lease be had, or renewed; told when it begins. */
  readonly failed: (why: string) => void;
}

export const leaseName = 'gantry-controller';

const defaultLeaseMilliseconds = 2000;
const renewalsInLease = 4;

interface Seen {
  /** Changes with each renewal. */
  readonly resourceVersion: string;
  /** When it was first seen, on the client's clock. */
  readonly at: number;
}

export function leaseLock(options: LeaseLockOptions): ControllerLock {
  const { client, namespace, identity, leaseMilliseconds = defaultLeaseMilliseconds } = options;
  const { clock } = client;
  const name = { namespace, name: leaseName };
  let seen: Seen | undefined;
  let isFailing = false;

  const hasFailed = (reason: ApiReason): void => {
    if (!isFailing) options.failed(apiSentence(reason));
    isFailing = true;
  };

  const write = async (before: ApiObject | undefined, holder: string) => {
    const now = new Date().toISOString().replace('Z', '000Z'); // MicroTime
    const old = isRecord(before?.['spec']) ? before['spec'] : {};
    const isNew = old['holderIdentity'] !== holder;
    const transitions = Number(old['leaseTransitions'] ?? 0);
    const spec = {
      holderIdentity: holder,
      leaseDurationSeconds: Math.ceil(leaseMilliseconds / 1000),
      acquireTime: isNew ? now : old['acquireTime'],
      renewTime: now,
      leaseTransitions: isNew && holder !== '' && before !== undefined ? transitions + 1 : transitions,
    };
    const metadata = {
      ...name,
      ...(before !== undefined && { resourceVersion: before.metadata.resourceVersion }),
    };
    return before === undefined
      ? createObject(client, leases, { metadata, spec })
      : replaceObject(client, leases, { metadata, spec });
  };

  /** The Lease as it is, if it may be taken: by nobody, or by one who was not seen to renew it. */
  const vacant = async (): Promise<{ readonly lease: ApiObject | undefined } | undefined> => {
    const found = await getObject(client, leases, name);
    if (!found.ok) {
      if (found.reason.kind === 'not-found') return { lease: undefined };
      hasFailed(found.reason);
      return undefined;
    }
    isFailing = false;
    const lease = found.value;
    const { resourceVersion } = lease.metadata;
    if (seen?.resourceVersion !== resourceVersion) seen = { resourceVersion, at: clock.now() };
    const isOver = clock.now() - seen.at >= leaseMilliseconds;
    return isOver || ['', identity].includes(holderOf(lease)) ? { lease } : undefined;
  };

  /** Renews until `stop` aborts; `lost` aborts where another has taken it. */
  const hold = async (first: ApiObject, lost: AbortController, stop: AbortSignal): Promise<ApiObject> => {
    let lease = first;
    while (!stop.aborted && !lost.signal.aborted) {
      await clock.sleep(leaseMilliseconds / renewalsInLease, stop);
      if (stop.aborted) break;
      const renewed = await write(lease, identity);
      if (renewed.ok) {
        lease = renewed.value;
        isFailing = false;
        continue;
      }
      hasFailed(renewed.reason);
      // Somebody else has written it; or we have, and the answer was lost.
      const found = await getObject(client, leases, name);
      if (!found.ok) continue;
      if (holderOf(found.value) === identity) lease = found.value;
      else lost.abort();
    }
    return lease;
  };

  return {
    async tryAcquire(): Promise<HeldLock | undefined> {
      const place = await vacant();
      if (place === undefined) return undefined;
      const taken = await write(place.lease, identity);
      if (!taken.ok) {
        if (taken.reason.kind !== 'conflict' && taken.reason.kind !== 'already-exists')
          hasFailed(taken.reason);
        return undefined;
      }
      const lost = new AbortController();
      const stop = new AbortController();
      const holding = hold(taken.value, lost, stop.signal);
      return {
        lost: lost.signal,
        async [Symbol.asyncDispose]() {
          stop.abort();
          const lease = await holding;
          seen = undefined;
          // Given up, it can be taken at once; where this fails, it can be when its time is over.
          if (!lost.signal.aborted) await write(lease, '');
        },
      };
    },
  };
}

function holderOf({ spec }: ApiObject): string {
  const holder = isRecord(spec) ? spec['holderIdentity'] : undefined;
  return typeof holder === 'string' ? holder : '';
}
