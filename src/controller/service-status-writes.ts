// Writes the statuses of Services so that no two say one address, whoever else writes and however late.
//
// Each write is of one known version of the Service and fails against any other. Where it adds an address, this is
// claimed in the ledger first: so a controller that was replaced cannot add any, and what it adds late fails against
// what its successor wrote.
import { allocatedFromPoolAnnotation, allocatedOf, serviceStatus } from '../api/status.ts';
import { createGate } from '../collections/gate.ts';
import type { ApiObject } from '../kubernetes/api-object.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { applyObject, getObject } from '../kubernetes/objects.ts';
import { type ApiReason, type ApiResult, apiSentence } from '../kubernetes/reason.ts';
import { services } from '../kubernetes/resource.ts';
import { formatAddress, parseAddress } from '../model/address.ts';
import type { ServiceKey } from '../model/service.ts';
import type { StatusObject } from '../model/status.ts';
import { type ServiceVersion, type ServiceVersions, versionOf } from '../sources/service-versions.ts';
import type { Claim, ClaimLedger } from './claim-ledger.ts';

export interface ServiceStatusWritesOptions {
  readonly client: ApiClient;
  readonly fieldManager: string;
  readonly versions: ServiceVersions;
  readonly ledger: ClaimLedger;
}

export interface ServiceStatusWrites {
  /** Rejects with the API server's reason as a sentence. A Service that is gone needs no status. */
  put(object: StatusObject): Promise<void>;
  /** Does what a claim says, unless its Service has changed since: afterwards nobody else can. */
  finish(claim: Claim): Promise<ApiResult<'finished' | 'void'>>;
}

/** Beyond this an API server only queues them, or refuses them as too many. */
const writesAtOnce = 32;

/** A Service that changes under our hands so often is written to by others all the time; it is tried again later. */
const mostConflicts = 8;

export function createServiceStatusWrites(options: ServiceStatusWritesOptions): ServiceStatusWrites {
  const { client, fieldManager, versions, ledger } = options;
  /** Claims of which it is not known whether their status was written. */
  const uncertain = new Map<ServiceKey, Claim>();
  const gate = createGate(writesAtOnce);

  const keep = (key: ServiceKey, object: ApiObject): ServiceVersion => {
    const version = versionOf(object);
    versions.put(key, version);
    return version;
  };

  const read = async (object: Named): Promise<ApiResult<ServiceVersion | undefined>> => {
    const found = await getObject(client, services, nameOf(object));
    if (found.ok) return { ok: true, value: keep(keyOf(object), found.value) };
    return found.reason.kind === 'not-found' ? { ok: true, value: undefined } : found;
  };

  /** The outcome for this version of the Service, and for no other. */
  const write = async (
    object: StatusObject,
    { uid, resourceVersion }: Pick<ServiceVersion, 'uid' | 'resourceVersion'>,
  ): Promise<'written' | 'changed' | 'gone' | ApiReason> => {
    const { apiVersion: _a, kind: _k, metadata, ...parts } = object;
    const outcome = await gate.pass(() =>
      applyObject(
        client,
        services,
        { metadata: { ...metadata, uid, resourceVersion }, ...parts },
        { fieldManager, isForced: true, subresource: 'status' },
      ),
    );
    if (outcome.ok) {
      keep(keyOf(object), outcome.value);
      return 'written';
    }
    const { reason } = outcome;
    if (reason.kind === 'conflict') return 'changed';
    if (reason.kind === 'not-found') return 'gone';
    // A Service that is not there is refused as if all of it was to be made.
    if (reason.kind === 'invalid') {
      const found = await read(object);
      if (found.ok && found.value === undefined) return 'gone';
    }
    return reason;
  };

  const finish = async (claim: Claim): Promise<ApiResult<'finished' | 'void'>> => {
    const outcome = await write(statusOf(claim), claim);
    if (typeof outcome !== 'string') return { ok: false, reason: outcome };
    uncertain.delete(claim.service);
    ledger.settle(claim.service);
    return { ok: true, value: outcome === 'written' ? 'finished' : 'void' };
  };

  /** What was claimed and is not wanted any more is brought to an end first: it could still be written late. */
  const bringToAnEnd = async (key: ServiceKey, wanted: readonly string[]): Promise<void> => {
    const claim = uncertain.get(key);
    if (claim === undefined || claim.addresses.every((address) => wanted.includes(address))) return;
    const outcome = await finish(claim);
    if (!outcome.ok) throw errorOf(outcome.reason);
  };

  return {
    finish,
    async put(object) {
      const key = keyOf(object);
      const wanted = (allocatedOf(object).object?.addresses ?? []).map(formatAddress);
      await bringToAnEnd(key, wanted);
      for (let conflicts = 0; ; conflicts += 1) {
        let version = conflicts === 0 ? versions.get(key) : undefined;
        if (version === undefined) {
          const found = await read(object);
          if (!found.ok) throw errorOf(found.reason);
          version = found.value;
        }
        const claim = version && claimOf(key, object, wanted, version);
        if (claim !== undefined) await ledger.claim(claim);
        const outcome = version === undefined ? 'gone' : await write(object, version);
        if (outcome === 'written' || outcome === 'gone') {
          uncertain.delete(key);
          ledger.settle(key);
          return;
        }
        if (outcome === 'changed' && conflicts < mostConflicts) continue;
        if (claim !== undefined && outcome !== 'changed' && mayBeDone(outcome)) uncertain.set(key, claim);
        else ledger.settle(key);
        throw outcome === 'changed'
          ? new Error('The Service changes all the time; it is tried again.')
          : errorOf(outcome);
      }
    },
  };
}

/** The server may have done what was asked, or may do it yet. */
const mayBeDone = ({ kind }: ApiReason): boolean =>
  ['no-answer', 'cut', 'unreadable', 'server-error', 'aborted'].includes(kind);

/** Undefined where the status would have no address that it has not already. */
function claimOf(
  service: ServiceKey,
  object: StatusObject,
  wanted: readonly string[],
  { uid, resourceVersion, addresses }: ServiceVersion,
): Claim | undefined {
  if (wanted.every((address) => addresses.includes(address))) return undefined;
  const pool = object.metadata.annotations?.[allocatedFromPoolAnnotation];
  return { service, uid, resourceVersion, pool, addresses: wanted };
}

function statusOf({ service, pool, addresses }: Claim): StatusObject {
  const [namespace = '', name = ''] = service.split('/');
  const parsed = addresses.flatMap((address) => parseAddress(address) ?? []);
  return serviceStatus({ namespace, name, allocated: { pool, addresses: parsed }, conditions: [] });
}

type Named = Pick<StatusObject, 'metadata'>;

const nameOf = ({ metadata: { namespace, name } }: Named) => ({ namespace, name });
const keyOf = ({ metadata: { namespace = '', name } }: Named): ServiceKey => `${namespace}/${name}`;
const errorOf = (reason: ApiReason): Error => new Error(apiSentence(reason));
