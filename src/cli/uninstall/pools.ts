// The pools of the configuration, of which a Service's addresses are released.
import { kinds } from '../../api/kinds.ts';
import { objectOf, parseObject } from '../../api/parse-object.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { listObjects } from '../../kubernetes/list.ts';
import { apiSentence } from '../../kubernetes/reason.ts';
import type { Pool } from '../../model/pool.ts';

/** None where the definition of pools is gone. Rejects with a sentence where they cannot be read. */
export async function readPools(client: ApiClient, namespace: string): Promise<Pool[]> {
  const { apiVersions, plural } = kinds.IPAddressPool;
  const resource = {
    apiVersion: apiVersions.at(-1) ?? '',
    kind: 'IPAddressPool',
    plural,
    isNamespaced: true,
  };
  const pools: Pool[] = [];
  const listed = await listObjects(client, { selection: { resource, namespace } }, (raw) => {
    const { change } = parseObject({ ...raw });
    const pool = change && objectOf('IPAddressPool', change);
    if (pool !== undefined) pools.push(pool);
  });
  if (!listed.ok && listed.reason.kind !== 'not-found') throw new Error(apiSentence(listed.reason));
  return pools;
}
