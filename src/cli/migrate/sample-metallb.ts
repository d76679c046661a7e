// A cluster in which MetalLB runs, for tests: parts that are given, and nothing else.
import { asApiObject } from '../../kubernetes/api-object.ts';
import type { Change } from '../../model/world.ts';
import { snapshotOf } from '../sample-snapshot.ts';
import type { Snapshot } from '../snapshot.ts';
import type { MetalLb } from './metallb.ts';

export interface SampleParts extends Partial<Omit<MetalLb, 'snapshot'>> {
  readonly changes?: readonly Change[];
  readonly problems?: Snapshot['problems'];
}

export const sampleMetalLb = ({ changes = [], problems = [], ...parts }: SampleParts): MetalLb => ({
  namespace: 'metallb-system',
  installation: {
    installer: { by: 'manifests' },
    workloads: [],
    policy: { loadBalancerClass: undefined, required: false },
  },
  snapshot: snapshotOf({ changes, problems }),
  objects: [],
  definitions: [],
  webhooks: [],
  configMaps: [],
  ...parts,
});

/** As an API server sends it. */
export function sampleApiObject(apiVersion: string, kind: string, name: string, rest: object = {}) {
  const { metadata = {}, ...parts } = rest as { readonly metadata?: object };
  const whole = {
    apiVersion,
    kind,
    ...parts,
    metadata: { name, namespace: 'metallb-system', resourceVersion: '7', ...metadata },
  };
  const object = asApiObject(whole, { apiVersion, kind });
  if (object === undefined) throw new TypeError(`${kind} ${name} is no object`);
  return object;
}
