// What is judged by, made of all configuration objects and nodes that there are.
import type { Node } from '../../model/node.ts';
import type { Change, ObjectOfKind } from '../../model/world.ts';
import type { Candidate } from '../admission.ts';
import {
  type ConfigurationKind,
  type CrossObjectInput,
  noConfiguration,
  planConfiguration,
} from '../cross-object.ts';
import { objectOf } from '../parse-object.ts';
import type { AdmissionContext } from './verdict.ts';

/** An object that is valid by itself. */
export interface KnownObject {
  readonly change: Change;
  /** RFC 3339. */
  readonly creationTimestamp: string | undefined;
  /** A status stands in it, so it has been in force. */
  readonly hasStatus: boolean;
}

/** Pure. In force is what a controller that starts now would take. */
export function admissionContext(objects: readonly KnownObject[], ownNamespace: string): AdmissionContext {
  const of = <K extends ConfigurationKind>(kind: K): ReadonlyMap<string, Candidate<ObjectOfKind[K]>> => {
    const found = new Map<string, Candidate<ObjectOfKind[K]>>();
    for (const { change, creationTimestamp } of objects) {
      const object = objectOf(kind, change);
      if (object !== undefined) found.set(change.key, { object, creationTimestamp });
    }
    return found;
  };
  const nodes = new Map<string, Node>();
  const establishedPools = new Set<string>();
  for (const { change, hasStatus } of objects) {
    const node = objectOf('Node', change);
    if (node !== undefined) nodes.set(change.key, node);
    if (change.kind === 'IPAddressPool' && hasStatus) establishedPools.add(change.key);
  }
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
    establishedPools,
    nodes,
  };
  return { ...input, inForce: planConfiguration(input).inForce, ownNamespace };
}
