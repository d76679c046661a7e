// Drains a node of a cluster from anywhere: by the label on its Node object that every agent looks at.
import { setTimeout as sleep } from 'node:timers/promises';
import { apiVersionOf, servedKinds } from '../api/crd/served-kinds.ts';
import { type NodeReport, nodeReportKind, readNodeReport } from '../api/node-report.ts';
import { type ApiClient, createApiClient } from '../kubernetes/client.ts';
import { listObjects } from '../kubernetes/list.ts';
import { mergePatch } from '../kubernetes/objects.ts';
import { apiSentence } from '../kubernetes/reason.ts';
import { nodes } from '../kubernetes/resource.ts';
import { excludeFromLoadBalancersLabel } from '../model/node.ts';
import type { Origin } from './origin.ts';

export interface NodeDrain {
  readonly node: string;
  readonly undo: boolean;
  /** Even where no other node could take over. */
  readonly force: boolean;
  readonly timeoutSeconds: number;
  /** Told how many addresses it answers for still. */
  readonly progress: (left: number) => void;
}

const lookMilliseconds = 300;

/** Resolves with how many addresses it had, once it answers for none and has no route with a peer; rejects with a sentence. */
export async function drainNode(
  { access, configurationNamespace }: Extract<Origin, { kind: 'kubernetes' }>,
  { node, undo, force, timeoutSeconds, progress }: NodeDrain,
): Promise<number> {
  using client = createApiClient({ access, userAgent: 'gantry' });
  const look = () => readReports(client, configurationNamespace);
  const before = await look();
  const owned = before.get(node)?.pulse.owned ?? 0;
  const told = toldOf(before.get(node));
  const others = [...before.values()].filter((report) => report.node !== node && isReady(report));
  if (!undo && !force && others.length === 0 && owned > 0) {
    const next = 'its addresses would be answered for by nobody. --force does it all the same';
    throw new Error(`no other node is ready to take over from ${node}: ${next}`);
  }
  const labels = { [excludeFromLoadBalancersLabel]: undo ? null : '' };
  const patched = await mergePatch(client, nodes, { name: node }, { metadata: { labels } });
  if (!patched.ok) throw new Error(apiSentence(patched.reason));
  if (undo) return 0;
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (let left = { owned, told }; left.owned + left.told > 0; ) {
    progress(left.owned);
    if (performance.now() > deadline) throw new Error(`${node} ${stillText(left)} after ${timeoutSeconds} s`);
    await sleep(lookMilliseconds);
    const report = (await look()).get(node);
    left = { owned: report?.pulse.owned ?? 0, told: toldOf(report) };
  }
  return owned;
}

/** Routes that its BGP peers are to have. */
const toldOf = (report: NodeReport | undefined): number =>
  (report?.bgp?.peers ?? []).reduce(
    (sum, { state, prefixes }) => sum + (state === 'established' ? prefixes : 0),
    0,
  );

const stillText = ({ owned, told }: { readonly owned: number; readonly told: number }): string =>
  [
    ...(owned > 0 ? [`still answers for ${owned} addresses`] : []),
    ...(told > 0 ? [`still has ${told} routes with BGP peers`] : []),
  ].join(' and ');

const isReady = ({ pulse }: NodeReport): boolean => pulse.connected && pulse.draining !== true;

async function readReports(client: ApiClient, namespace: string): Promise<Map<string, NodeReport>> {
  const served = servedKinds.find(({ kind }) => kind === nodeReportKind);
  if (served === undefined) throw new RangeError(`${nodeReportKind} is not served`);
  const { kind, plural } = served;
  const resource = { apiVersion: apiVersionOf(served), kind, plural, isNamespaced: true };
  const reports = new Map<string, NodeReport>();
  const outcome = await listObjects(client, { selection: { resource, namespace } }, (object) => {
    const report = readNodeReport(object);
    if (report !== undefined) reports.set(report.node, report);
  });
  if (!outcome.ok) throw new Error(apiSentence(outcome.reason));
  return reports;
}
