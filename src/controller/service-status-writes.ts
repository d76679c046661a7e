// Writes the statuses of Services so that no two say one address, whoever else writes and however late.
//
// Each write is of the version of the Service that was decided about, or of what our own writes made of it, and fails
// against any other. Where it adds an address, this is
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
import type { ObjectVersion, ServiceKey } from '../model/service.ts';
import type { StatusObject } from '../model/status.ts';
import { type ServiceVersion, type ServiceVersions, versionOf } from '../sources/service-versions.ts';
import type { Claim, ClaimLedger } from './claim-ledger.ts';
import { StaleDecision } from './status-writer.ts';

export interface ServiceStatusWritesOptions {
  readonly client: ApiClient;
  readonly fieldManager: string;
  readonly versions: ServiceVersions;
  readonly ledger: ClaimLedger;
}

export interface ServiceStatusWrites {
  /**
   * Rejects with the API server's reason as a sentence, or with a StaleDecision where the Service has changed. One that is
   * gone needs no status.
   */
  put(object: StatusObject): Promise<void>;
  /** Does what a claim says, unless its Service has changed since: afterwards nobody else can. */
  finish(claim: Claim): Promise<ApiResult<'finished' | 'void'>>;
}

/** Beyond this an API server only queues them, or refuses them as too many. */
const writesAtOnce = 32;

export function createServiceStatusWrites(options: ServiceStatusWritesOptions): ServiceStatusWrites {
  const { client, fieldManager, versions, ledger } = options;
  /** Claims of which it is not known whether their status was written. */
  const uncertain = new Map<ServiceKey, Claim>();
  const gate = createGate(writesAtOnce);

  /** What our own writes have made of a version, until their echo comes as a version that is decided about. */
  const successors = new Map<ServiceKey, Successor>();

  /** The version that is decided about, with our own writes since. */
  const current = (key: ServiceKey, { uid, resourceVersion }: ObjectVersion): ServiceVersion => {
    const successor = successors.get(key);
    if (successor?.of.has(`${uid} ${resourceVersion}`)) return successor.version;
    successors.delete(key);
    const seen = versions.get(key);
    if (seen?.uid === uid && seen.resourceVersion === resourceVersion) return seen;
    // What its status says is not known any more: all that is to be said is claimed.
    return { uid, resourceVersion, addresses: [] };
  };

  const succeed = (key: ServiceKey, before: ObjectVersion, object: ApiObject): void => {
    const version = versionOf(object);
    versions.put(key, version);
    const of = successors.get(key)?.of ?? new Set();
    of.add(`${before.uid} ${before.resourceVersion}`);
    successors.set(key, { of, version });
  };

  const isThere = async (object: Named): Promise<boolean> => {
    const found = await getObject(client, services, nameOf(object));
    return found.ok || found.reason.kind !== 'not-found';
  };

  /** The outcome for this version of the Service, and for no other. */
  const write = async (
    object: StatusObject,
    { uid, resourceVersion }: ObjectVersion,
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
      succeed(keyOf(object), { uid, resourceVersion }, outcome.value);
      return 'written';
    }
    const { reason } = outcome;
    if (reason.kind === 'conflict') return 'changed';
    if (reason.kind === 'not-found') return 'gone';
    // A Service that is not there is refused as if all of it was to be made.
    return reason.kind === 'invalid' && !(await isThere(object)) ? 'gone' : reason;
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
      const { uid, resourceVersion } = object.metadata;
      // Only of what is gone there is no version.
      if (uid === undefined || resourceVersion === undefined) {
        successors.delete(key);
        return;
      }
      const version = current(key, { uid, resourceVersion });
      const claim = claimOf(key, object, wanted, version);
      if (claim !== undefined) await ledger.claim(claim);
      const outcome = await write(object, version);
      if (typeof outcome !== 'string' && claim !== undefined && mayBeDone(outcome)) uncertain.set(key, claim);
      else {
        uncertain.delete(key);
        ledger.settle(key);
      }
      if (outcome === 'changed') throw new StaleDecision();
      if (typeof outcome !== 'string') throw errorOf(outcome);
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

interface Successor {
  /** `uid resourceVersion` of each version that it came from by our writes alone. */
  readonly of: Set<string>;
  readonly version: ServiceVersion;
}

type Named = Pick<StatusObject, 'metadata'>;

const nameOf = ({ metadata: { namespace, name } }: Named) => ({ namespace, name });
const keyOf = ({ metadata: { namespace = '', name } }: Named): ServiceKey => `${namespace}/${name}`;
const errorOf = (reason: ApiReason): Error => new Error(apiSentence(reason));
