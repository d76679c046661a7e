// What to tell someone who writes a Service, at once: its annotations are judged, and it is never refused.
import type { Pool } from '../../model/pool.ts';
import { addressRequest } from '../address-request.ts';
import { type FieldProblem, fieldWarning } from '../field-problem.ts';
import { isRecord, type RawObject } from '../record.ts';

/** Problems of what the Service asks the allocator for. Of other fields the API server speaks itself. Never throws. */
export function serviceProblems(raw: RawObject, pools: ReadonlyMap<string, Pool>): readonly FieldProblem[] {
  const spec = isRecord(raw['spec']) ? raw['spec'] : {};
  if (spec['type'] !== 'LoadBalancer') return [];
  const metadata = isRecord(raw['metadata']) ? raw['metadata'] : {};
  const annotations = Object.fromEntries(
    Object.entries(isRecord(metadata['annotations']) ? metadata['annotations'] : {}).flatMap(
      ([name, value]): [string, string][] => (typeof value === 'string' ? [[name, value]] : []),
    ),
  );
  const loadBalancerIp = spec['loadBalancerIP'];
  const { object, problems } = addressRequest(
    annotations,
    typeof loadBalancerIp === 'string' ? loadBalancerIp : undefined,
  );
  if (object.pool === undefined || pools.has(object.pool)) return problems;
  const rule = `There is no IPAddressPool ${object.pool} in force, so the Service waits for it: add it, or correct the name.`;
  return [
    ...problems,
    fieldWarning(['metadata', 'annotations', 'metallb.io/address-pool'], object.pool, rule),
  ];
}
