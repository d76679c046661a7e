// The steps of forwarding: the endpoints, what the answering nodes' kernels do with the packets, and what hinders them.
import { type DataPlaneReason, dataPlaneSentences } from '../../dataplane/reason.ts';
import { sentence } from '../../model/reason.ts';
import type { NodeState } from '../node-state.ts';
import { type WhyReason, whySentence } from './reason.ts';
import type { Scene } from './scene.ts';
import { asSentence, judged, listed, ok, type Step, type Verdict } from './step.ts';

/** What a plan says that does not break the Service. */
const tolerable: readonly DataPlaneReason['kind'][] = [
  'only-terminating-endpoints',
  'only-endpoints-on-dead-nodes',
];

export function endpointsStep(scene: Scene): Step {
  const details = [...byNode(scene), ...failingChecks(scene)];
  const reasons = scene.forwardingOn('').reasons.filter(({ kind }) => kind !== 'no-local-endpoints');
  const [reason] = reasons.sort((a, b) => Number(isTolerable(a)) - Number(isTolerable(b)));
  if (reason !== undefined) {
    const verdict = isTolerable(reason) ? 'warning' : 'wrong';
    return judged('endpoints', verdict, reason, explain(reason), [...details, ...brokenSlices(scene)]);
  }
  const ready = scene.slices.flatMap((slice) =>
    slice.endpoints.filter((endpoint) => endpoint.ready && scene.isHealthy(slice, endpoint)),
  ).length;
  return ok('endpoints', `${ready} ${ready === 1 ? 'endpoint is' : 'endpoints are'} ready.`, details);
}

const explain = (reason: DataPlaneReason): string => asSentence(sentence(dataPlaneSentences, reason));

const isTolerable = ({ kind }: DataPlaneReason): boolean => tolerable.includes(kind);

function byNode({ slices, isHealthy, states }: Scene): string[] {
  const counts = new Map<string, Record<'ready' | 'failing' | 'terminating' | 'not ready', number>>();
  for (const slice of slices) {
    for (const endpoint of slice.endpoints) {
      const node = endpoint.nodeName ?? 'no node';
      const count = counts.get(node) ?? { ready: 0, failing: 0, terminating: 0, 'not ready': 0 };
      if (endpoint.terminating) count.terminating++;
      else if (!endpoint.ready) count['not ready']++;
      else if (isHealthy(slice, endpoint)) count.ready++;
      else count.failing++;
      counts.set(node, count);
    }
  }
  return [...counts].sort().map(([node, count]) => {
    const parts = Object.entries(count).filter(([, number]) => number > 0);
    const dead = states.get(node)?.state === 'dead' ? ' (dead)' : '';
    return `${node}${dead}: ${parts.map(([what, number]) => `${number} ${what}`).join(', ')}`;
  });
}

const failingChecks = ({ snapshot: { reports }, service }: Scene): string[] => {
  const lines = [...reports.values()].flatMap(({ unhealthyEndpoints }) =>
    unhealthyEndpoints
      .filter((endpoint) => endpoint.service === service.key)
      .map(({ address, port, message }) => `${address} port ${port}: ${message}`),
  );
  return [...new Set(lines)];
};

/** A slice with an error in it is not there, which looks as if there were no endpoints. */
const brokenSlices = ({ snapshot: { problems }, service }: Scene): string[] =>
  problems
    .filter(({ kind, severity }) => kind === 'EndpointSlice' && severity === 'error')
    .filter(({ namespace }) => (namespace === '' ? 'default' : namespace) === service.namespace)
    .map(({ name, field, rule }) => `EndpointSlice ${name} is set aside: ${field}: ${rule}`);

/** A step only where somebody answers. */
export function forwardingStep(scene: Scene): Step[] {
  if (scene.announcers.length === 0) return [];
  const judgements = scene.announcers.map((owner) => forwardingOn(scene, owner));
  const worst = (verdict: Verdict) => judgements.find((step) => step.verdict === verdict);
  const step = worst('wrong') ?? worst('unknown');
  if (step !== undefined) return [step];
  return [ok('forwarding', judgements.map(({ message }) => message).join(' '))];
}

function forwardingOn(scene: Scene, { name, report }: NodeState): Step {
  const { key } = scene.service;
  const wrong = (reason: WhyReason): Step => judged('forwarding', 'wrong', reason, whySentence(reason));
  if (report?.dataPlane.mode === 'none') {
    const reason: WhyReason = { kind: 'forwarded-by-others', node: name };
    return judged('forwarding', 'unknown', reason, whySentence(reason));
  }
  const failed = report?.dataPlane.failed.find(({ service }) => service === key);
  if (failed !== undefined)
    return judged('forwarding', 'wrong', failed, asSentence(`On ${name}, ${failed.message}`));
  if (report !== undefined && !report.dataPlane.healthy) {
    const error = report.dataPlane.lastError ?? 'no cause reported';
    return wrong({ kind: 'data-plane-failing', node: name, error });
  }
  const { frontends, reasons } = scene.forwardingOn(name);
  const local = reasons.find(({ kind }) => kind === 'no-local-endpoints');
  if (local !== undefined) return judged('forwarding', 'wrong', local, explain(local));
  const backends = new Set(frontends.flatMap(({ outside }) => outside.map(({ address }) => address.value)));
  return ok(
    'forwarding',
    `${name} forwards to ${backends.size} ${backends.size === 1 ? 'endpoint' : 'endpoints'}.`,
  );
}

/** What the answering nodes found wrong with themselves, errors first. */
export function hostStep({ announcers: owners }: Scene): Step[] {
  if (owners.length === 0) return [];
  const findings = owners
    .flatMap(({ name, report }) => (report?.host ?? []).map((finding) => ({ node: name, ...finding })))
    .sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
  const [worst, ...others] = findings;
  const names = listed(owners.map(({ name }) => name));
  if (worst === undefined) return [ok('host', `Nothing in the settings of ${names} stands in the way.`)];
  const line = ({ node, message }: (typeof findings)[number]): string => `On ${node}: ${message}`;
  const verdict = worst.severity === 'error' ? 'wrong' : 'warning';
  return [judged('host', verdict, worst, line(worst), others.map(line))];
}
