// For tests: what a controller knows that has read these objects.
import assert from 'node:assert/strict';
import type { ObjectOfKind } from '../../model/world.ts';
import type { Candidate } from '../admission.ts';
import {
  type ConfigurationKind,
  type CrossObjectInput,
  noConfiguration,
  planConfiguration,
} from '../cross-object.ts';
import { objectOf, parseObject } from '../parse-object.ts';
import type { RawObject } from '../record.ts';
import { ownNamespace } from '../rejections/rejection.ts';
import type { AdmissionContext } from './verdict.ts';

/** All objects must be valid by themselves. */
export function contextOf(objects: readonly RawObject[]): AdmissionContext {
  const parsed = objects.map(parseObject);
  const of = <K extends ConfigurationKind>(kind: K): ReadonlyMap<string, Candidate<ObjectOfKind[K]>> => {
    const found = new Map<string, Candidate<ObjectOfKind[K]>>();
    for (const { identity, change, creationTimestamp, problems } of parsed) {
      assert.ok(identity !== undefined && change !== undefined, JSON.stringify(problems));
      const object = objectOf(kind, change);
      if (object !== undefined) found.set(identity.key, { object, creationTimestamp });
    }
    return found;
  };
  const input: CrossObjectInput = {
    candidates: {
      IPAddressPool: of('IPAddressPool'),
      L2Advertisement: of('L2Advertisement'),
      Community: of('Community'),
      BFDProfile: of('BFDProfile'),
      BGPPeer: of('BGPPeer'),
      BGPAdvertisement: of('BGPAdvertisement'),
    },
    inForce: noConfiguration,
    establishedPools: new Set(),
    nodes: new Map(),
  };
  return { ...input, inForce: planConfiguration(input).inForce, ownNamespace };
}
