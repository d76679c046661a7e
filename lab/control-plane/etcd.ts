// etcd's own HTTP interface, for what the API server has no words for.
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Host } from '../host.ts';
import { connectionFrom } from './connection.ts';
import { etcdPort } from './flags.ts';

/** Forgets all revisions but the last, and waits until they are gone from its file. */
export async function compact(host: Host): Promise<void> {
  const { header } = await call<{ readonly header: { readonly revision: string } }>(host, '/v3/kv/range', {
    key: Buffer.from('none').toString('base64'),
  });
  await call(host, '/v3/kv/compaction', { revision: header.revision, physical: true });
}

function call<T>(host: Host, path: string, body: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { ...connectionFrom(host, '127.0.0.1', etcdPort), method: 'POST', path, agent: false },
      async (response) => {
        const answer = await text(response);
        if (response.statusCode === 200) resolve(JSON.parse(answer));
        else reject(new Error(`etcd ${path}: ${response.statusCode} ${answer}`));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}
