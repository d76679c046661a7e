// What the benches on a real API server share: the bundle as it is installed, the bare writer on the control plane's host,
// and a watch on all Services.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type LabCluster, shop } from '../lab/cluster.ts';
import { insideLab } from '../lab/lab.ts';
import { steadyMilliseconds } from '../lab/probe.ts';
import type { WriterAnswer, WriterOrder } from './api-writer.ts';

const root = join(import.meta.dirname, '..');

/** The bundle, as it is installed: made anew outside the lab, where there is a network. */
export function buildBundle(): void {
  if (insideLab()) return;
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { stdio: [...stdio] });
}

export const bundleCommand = (...args: readonly string[]): [string, ...string[]] => [
  join(root, 'dist/gantry'),
  ...args,
];

export type Writer = (order: Omit<WriterOrder, 'namespace'>) => Promise<WriterAnswer>;

/** One process, whose requests are audited as those of an account of its own. Rejects where a write fails. */
export async function startWriter({ controlPlane }: LabCluster): Promise<Writer> {
  const verbs = ['create', 'patch', 'delete', 'get'];
  const { kubeconfig } = await controlPlane.account({
    namespace: shop,
    name: 'bare-writer',
    namespaceRules: [
      { apiGroups: [''], resources: ['services', 'services/status', 'events'], verbs },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
    ],
  });
  const file = join(import.meta.dirname, 'api-writer.ts');
  const child = controlPlane.host.spawn([process.execPath, file, kubeconfig], { pipe: true, log: 'writer' });
  if (child.stdin === null || child.stdout === null) throw new Error('the writer has no pipes');
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (order) => {
    stdin.write(`${JSON.stringify({ namespace: shop, ...order })}\n`);
    const { value, done } = await lines.next();
    if (done)
      throw new Error(`the writer has ended: ${readFileSync(controlPlane.host.logPath('writer'), 'utf8')}`);
    const answer = JSON.parse(value) as WriterAnswer;
    if (answer.failed > 0) throw new Error(`${answer.failed} writes failed: ${order.what}`);
    return answer;
  };
}

interface Seen {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: object;
    readonly resourceVersion?: string;
  };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly object[] };
    readonly conditions?: readonly object[];
  };
}

export interface ServiceWatch extends AsyncDisposable {
  /** When each Service that has an address was first seen with one: `steadyMilliseconds`. */
  readonly since: ReadonlyMap<string, number>;
  /** Changes of Services that were seen. */
  readonly events: number;
  /** Resolves with the time when so many have an address. */
  reached(count: number): Promise<number>;
  addressed(name: string): Promise<number>;
}

export function watchServices({ controlPlane }: LabCluster): ServiceWatch {
  const since = new Map<string, number>();
  const waits = new Set<() => void>();
  const stop = new AbortController();
  let events = 0;
  /** An API server ends every watch some time; the next goes on where it was. */
  async function* changes(): AsyncGenerator<{ type: string; object: Seen }> {
    const path = `/api/v1/namespaces/${shop}/services`;
    let last: string | undefined;
    while (!stop.signal.aborted) {
      const from = last === undefined ? {} : { resourceVersion: last };
      for await (const event of controlPlane.api.watch<Seen>(path, { signal: stop.signal, ...from })) {
        const { type, object } = event;
        if (type === 'ERROR') throw new Error(`the watch of Services: ${JSON.stringify(object)}`);
        last = object.metadata.resourceVersion ?? last;
        if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') yield event;
      }
    }
  }
  const working = (async () => {
    for await (const { type, object } of changes()) {
      events++;
      const { name } = object.metadata;
      const isAddressed = type !== 'DELETED' && (object.status?.loadBalancer?.ingress ?? []).length > 0;
      if (!isAddressed) since.delete(name);
      else if (!since.has(name)) since.set(name, steadyMilliseconds());
      for (const look of waits) look();
    }
  })();
  const when = (isSo: () => boolean, what: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timeOut = setTimeout(() => {
        waits.delete(look);
        reject(new Error(`waited in vain: ${what}; ${since.size} have addresses`));
      }, 300_000);
      const look = (): void => {
        if (!isSo()) return;
        clearTimeout(timeOut);
        waits.delete(look);
        resolve();
      };
      waits.add(look);
      look();
    });
  return {
    since,
    get events() {
      return events;
    },
    async reached(count) {
      await when(() => since.size === count, `${count} have addresses`);
      return [...since.values()].reduce((a, b) => Math.max(a, b), 0);
    },
    async addressed(name) {
      await when(() => since.has(name), `${name} has an address`);
      return since.get(name) ?? Number.NaN;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await working.catch(() => {});
    },
  };
}
