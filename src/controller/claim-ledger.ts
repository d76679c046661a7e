// Addresses are claimed here before a Service's status says them: a log that is written ahead, in one object of the API.
//
// A controller that was replaced may not know it yet: it slept, or its clock did. So whoever takes over writes the
// ledger first (its *fence*): from then on no claim of the one before succeeds, for each is guarded by the version that
// it knew. What he had claimed and perhaps not written is finished then, Service by Service: each status is written as
// he would have, or is found to have changed since, and then his own write fails too. After that the statuses tell all.
import type { ApiObject } from '../kubernetes/api-object.ts';
import { isRecord, parseJson } from '../kubernetes/api-object.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { createObject, getObject, replaceObject } from '../kubernetes/objects.ts';
import { type ApiReason, type ApiResult, apiSentence } from '../kubernetes/reason.ts';
import { configMaps } from '../kubernetes/resource.ts';
import type { ServiceKey } from '../model/service.ts';

/** That the status of a Service, which has this version, is about to have these addresses. */
export interface Claim {
  readonly service: ServiceKey;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly pool: string | undefined;
  /** In canonical form. */
  readonly addresses: readonly string[];
}

export interface ClaimLedger {
  /** Aborts when another controller has taken over: nothing is claimed any more. */
  readonly lost: AbortSignal;
  /** Takes over, and gives what is left from the one before. Must come first, and may be tried again. */
  fence(): Promise<ApiResult<readonly Claim[]>>;
  /** Resolves when the claim is durable. Rejects with a sentence where it is not, or cannot be known to be. */
  claim(claim: Claim): Promise<void>;
  /** The claim's status is written, or can be written no more: it is left out from the next write on. */
  settle(service: ServiceKey): void;
  /** At the end: what is settled is left out now, if it can be, and spares the next one the look at it. */
  close(): Promise<void>;
}

export interface ClaimLedgerOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  /** This process's own, different from all others that ever were. */
  readonly holder: string;
}

/** The ConfigMap that has it. */
export const ledgerName = 'gantry-ledger';

/**
 * From one write to the next: what comes meanwhile shares it. Who comes alone never waits, and of many none waits for long,
 * while the API server is spared a write for each.
 */
const spacingMilliseconds = 20;

interface Waiting {
  readonly claim: Claim;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export function createClaimLedger({ client, namespace, holder }: ClaimLedgerOptions): ClaimLedger {
  const name = { namespace, name: ledgerName };
  const lost = new AbortController();
  let lastWrite = Number.NEGATIVE_INFINITY;
  /** Those that the stored ledger has, or is to have. */
  const claims = new Map<ServiceKey, Claim>();
  let waiting: Waiting[] = [];
  let version: string | undefined;
  let isWriting = false;
  /** The stored ledger may have claims that are settled. */
  let hasSettled = false;

  const store = (resourceVersion: string | undefined): Promise<ApiResult<ApiObject>> => {
    const data = { holder, claims: JSON.stringify([...claims.values()]) };
    return resourceVersion === undefined
      ? createObject(client, configMaps, { metadata: name, data })
      : replaceObject(client, configMaps, { metadata: { ...name, resourceVersion }, data });
  };

  const readHolder = ({ data }: ApiObject): unknown => (isRecord(data) ? data['holder'] : undefined);

  /** True if the ledger is ours still, and its version is known again. */
  const isStillOurs = async (): Promise<boolean> => {
    const found = await getObject(client, configMaps, name);
    if (!found.ok) return found.reason.kind !== 'not-found';
    if (readHolder(found.value) !== holder) return false;
    version = found.value.metadata.resourceVersion;
    return true;
  };

  const write = async (isRetry = false): Promise<ApiReason | undefined> => {
    const outcome = await store(version);
    if (outcome.ok) {
      version = outcome.value.metadata.resourceVersion;
      return undefined;
    }
    const { reason } = outcome;
    if (reason.kind !== 'conflict' && reason.kind !== 'not-found') return reason;
    if (!(await isStillOurs())) lost.abort();
    else if (!isRetry) return write(true); // a conflict with ourselves: a write whose answer was lost
    return reason;
  };

  const pump = async (): Promise<void> => {
    if (isWriting) return;
    isWriting = true;
    while (waiting.length > 0) {
      const pause = lastWrite + spacingMilliseconds - client.clock.now();
      if (pause > 0) await client.clock.sleep(pause, lost.signal);
      lastWrite = client.clock.now();
      const batch = waiting;
      waiting = [];
      for (const { claim } of batch) claims.set(claim.service, claim);
      const reason = lost.signal.aborted ? lostReason : await write();
      for (const { claim, resolve, reject } of batch) {
        if (reason === undefined) resolve();
        else {
          claims.delete(claim.service);
          reject(new Error(apiSentence(reason)));
        }
      }
    }
    isWriting = false;
  };

  return {
    lost: lost.signal,
    async fence() {
      const found = await getObject(client, configMaps, name);
      if (!found.ok && found.reason.kind !== 'not-found') return found;
      const left = found.ok ? readClaims(found.value) : [];
      for (const claim of left) claims.set(claim.service, claim);
      const stored = await store(found.ok ? found.value.metadata.resourceVersion : undefined);
      if (!stored.ok) return stored;
      version = stored.value.metadata.resourceVersion;
      return { ok: true, value: left };
    },
    claim(claim) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ claim, resolve, reject });
      void pump();
      return promise;
    },
    settle(service) {
      if (claims.delete(service)) hasSettled = true;
    },
    async close() {
      if (hasSettled && !lost.signal.aborted) await write();
    },
  };
}

const lostReason: ApiReason = { kind: 'aborted' };

/** Nothing but what a controller wrote is read: a claim in another shape was never acted upon. */
function readClaims({ data }: ApiObject): Claim[] {
  const text = isRecord(data) ? data['claims'] : undefined;
  const list = typeof text === 'string' ? parseJson(text) : undefined;
  return Array.isArray(list) ? list.flatMap((one) => readClaim(one) ?? []) : [];
}

function readClaim(value: unknown): Claim | undefined {
  if (!isRecord(value)) return undefined;
  const { service, uid, resourceVersion, pool, addresses } = value;
  if (typeof service !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string')
    return undefined;
  if (!Array.isArray(addresses) || !addresses.every((one) => typeof one === 'string')) return undefined;
  return { service, uid, resourceVersion, pool: typeof pool === 'string' ? pool : undefined, addresses };
}
