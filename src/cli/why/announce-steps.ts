// The steps of announcing: which advertisements cover the addresses, which nodes may answer, and who does.
import { covers, poolOf } from '../../announce/eligible.ts';
import type { AddressPlan } from '../../announce/plan.ts';
import { type AnnounceReason, announceSentence } from '../../announce/reason.ts';
import { formatAddress } from '../../model/address.ts';
import { sharesPerAddress } from '../../model/share.ts';
import type { NodeState } from '../node-state.ts';
import type { Announcement } from '../snapshot.ts';
import { type WhyReason, whySentence } from './reason.ts';
import type { Scene } from './scene.ts';
import { judged, listed, ok, type Step } from './step.ts';

export function advertisementStep({ plans, service, snapshot: { world } }: Scene): Step {
  const uncovered = reasonsOf(plans).find(
    ({ kind }) => kind !== 'no-ready-endpoint' && kind !== 'no-candidate',
  );
  if (uncovered !== undefined) {
    return judged('advertisement', 'wrong', uncovered, announceSentence(uncovered));
  }
  const names = new Set<string>();
  for (const { address } of plans) {
    const pool = poolOf(address, world.pools.values());
    for (const advertisement of world.l2Advertisements.values()) {
      if (pool !== undefined && covers(advertisement, pool, service)) names.add(advertisement.name);
    }
  }
  return ok('advertisement', `Announced on layer 2 by the L2Advertisement ${listed([...names].sort())}.`);
}

export function candidatesStep({ plans, states }: Scene): Step {
  if (states.size === 0) return judged('candidates', 'wrong', noAgent, whySentence(noAgent));
  const details = plans.flatMap(({ excluded }) => excluded.map(announceSentence));
  const excluded = [...new Set(details)];
  const reason = reasonsOf(plans).find(({ kind }) => kind === 'no-ready-endpoint' || kind === 'no-candidate');
  if (reason !== undefined) return judged('candidates', 'wrong', reason, announceSentence(reason), excluded);
  const withoutLiving = plans.find(
    ({ candidates }) =>
      candidates.length > 0 && candidates.every(({ node }) => states.get(node)?.state === 'dead'),
  );
  if (withoutLiving !== undefined) {
    const candidates = listed(withoutLiving.candidates.map(({ node }) => node));
    const dead: WhyReason = { kind: 'no-live-candidate', candidates };
    return judged('candidates', 'wrong', dead, whySentence(dead), excluded);
  }
  const orders = plans.map((plan) => {
    const spread = plan.shares === undefined ? '' : ' (spread in shares over those that are wanted alike)';
    return `${formatAddress(plan.address)}: ${order(plan, states)}${spread}`;
  });
  return ok('candidates', `Most wanted first, ${orders.join('; ')}.`, excluded);
}

/** Nobody has said what nodes there are. */
const noAgent: WhyReason = { kind: 'no-agent' };

const reasonsOf = (plans: readonly AddressPlan[]): AnnounceReason[] =>
  plans.flatMap(({ reasons }) => reasons);

const order = ({ candidates }: AddressPlan, states: ReadonlyMap<string, NodeState>): string =>
  candidates
    .map(({ node, interfaces }) => {
      const only = interfaces.length === 0 ? '' : ` on ${interfaces.join(' and ')}`;
      return `${node}${only}${stateSuffix(states.get(node))}`;
    })
    .join(', ');

const stateSuffix = (state: NodeState | undefined): string =>
  state?.state === 'dead' ? ' (dead)' : state?.report?.pulse.draining === true ? ' (drained)' : '';

export function ownerStep(scene: Scene): Step {
  const { owners, plans, snapshot, service } = scene;
  const addresses = listed(plans.map(({ address }) => formatAddress(address)));
  const [owner] = owners;
  if (owner === undefined) {
    const reason = whyNobody(scene, addresses);
    return judged('owner', 'wrong', reason, whySentence(reason));
  }
  const nodes = listed(owners.map(({ name }) => name));
  const isSpread = plans.some(({ shares }) => shares !== undefined);
  if (owners.length > plans.length && !isSpread) {
    const reason: WhyReason = { kind: 'several-owners', nodes, addresses };
    return judged('owner', 'warning', reason, whySentence(reason));
  }
  const silent = owners.find(({ isSilent }) => isSilent);
  if (silent !== undefined) {
    const reason: WhyReason = { kind: 'agent-silent', node: silent.name, seconds: silent.reportAgeSeconds };
    return judged('owner', 'warning', reason, whySentence(reason));
  }
  const announcing = snapshot.announcements.get(service.key) ?? [];
  const where = owners.map(({ name }) => {
    const announcement = announcing.find(({ node }) => node === name);
    return `${name} on ${listed(announcement?.interfaces ?? [])}${sharesText(announcement)}`;
  });
  const why = owners.flatMap(({ name }) => announcing.find(({ node }) => node === name)?.why ?? []);
  return ok('owner', `Answered for by ${listed(where)}.`, [...new Set([...why, ...whyNotWanted(scene)])]);
}

/** As in ` (6 of 16 shares of 192.0.2.200)`. */
function sharesText(announcement: Announcement | undefined): string {
  const parts = [...(announcement?.shares ?? [])].map(
    ([address, count]) => `${count} of ${sharesPerAddress} shares of ${address}`,
  );
  return parts.length === 0 ? '' : ` (${listed(parts)})`;
}

/** Nodes that are wanted more than the one that answers, and live. */
const whyNotWanted = ({ plans, owners, states }: Scene): string[] =>
  plans.flatMap(({ candidates, shares }) => {
    if (shares !== undefined) return [];
    const owner = candidates.findIndex(({ node }) => owners.some(({ name }) => name === node));
    return candidates.slice(0, Math.max(0, owner)).flatMap(({ node }) => {
      const state = states.get(node);
      if (state?.state !== 'alive') return [];
      return state.report?.pulse.draining === true
        ? [`${node} is wanted more, but is drained: gantry drain --undo there.`]
        : [
            `${node} is wanted more: it gets the address back as pulse's --failback says, by default after 10 s.`,
          ];
    });
  });

/** The likeliest cause, from the one who should answer. */
function whyNobody({ plans, states, snapshot, service }: Scene, addresses: string): WhyReason {
  const reporting = [...states.values()].filter(({ report }) => report !== undefined);
  if (reporting.length === 0) return noAgent;
  const candidates = plans.flatMap((plan) => plan.candidates.map(({ node }) => node));
  const wanted = candidates
    .map((node) => states.get(node))
    .find((state) => state !== undefined && state.state !== 'dead');
  const [dead] = snapshot.announcements.get(service.key) ?? [];
  if (wanted === undefined) {
    return dead === undefined
      ? { kind: 'nobody-answers', addresses, wanted: 'a candidate' }
      : { kind: 'owner-dead', node: dead.node };
  }
  const { name, isSilent, reportAgeSeconds, report } = wanted;
  if (isSilent) return { kind: 'agent-silent', node: name, seconds: reportAgeSeconds };
  if (report?.pulse.connected === false) return { kind: 'pulse-not-connected', node: name };
  return { kind: 'nobody-answers', addresses, wanted: name };
}
