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

/** Resolves with how many addresses it had, once it answers for none; rejects with a sentence. */
export async function drainNode(
  { access, configurationNamespace }: Extract<Origin, { kind: 'kubernetes' }>,
  { node, undo, force, timeoutSeconds, progress }: NodeDrain,
): Promise<number> {
  using client = createApiClient({ access, userAgent: 'gantry' });
  const look = () => readReports(client, configurationNamespace);
  const before = await look();
  const owned = before.get(node)?.pulse.owned ?? 0;
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
  for (let left = owned; left > 0; left = (await look()).get(node)?.pulse.owned ?? 0) {
    progress(left);
    if (performance.now() > deadline)
      throw new Error(`${node} still answers for ${left} of ${owned} addresses after ${timeoutSeconds} s`);
    await sleep(lookMilliseconds);
  }
  return owned;
}

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
