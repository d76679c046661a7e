// The step of announcing by BGP: whether the peers have been told of the Service's addresses, and why not.
import { covers, poolOf } from '../../announce/eligible.ts';
import { isAnnounced, storyOf } from '../bgp/address-story.ts';
import { type WhyReason, whySentence } from './reason.ts';
import type { Scene } from './scene.ts';
import { judged, listed, ok, type Step } from './step.ts';

/** By which protocols the Service's addresses are to be announced; layer 2 where nothing covers them. */
export function protocolsOf({ plans, service, snapshot: { world } }: Scene): {
  readonly layer2: boolean;
  readonly bgp: boolean;
} {
  const pools = plans.flatMap(({ address }) => poolOf(address, world.pools.values()) ?? []);
  const covered = (advertisements: Iterable<Parameters<typeof covers>[0]>): boolean =>
    [...advertisements].some((one) => pools.some((pool) => covers(one, pool, service)));
  const bgp = covered(world.bgpAdvertisements.values());
  return { bgp, layer2: !bgp || covered(world.l2Advertisements.values()) };
}

export function bgpStep({ plans, snapshot }: Scene): Step {
  const stories = plans.map(({ address }) => storyOf(snapshot, address));
  const details = [...new Set(stories.flatMap(({ nodes }) => nodes.flatMap(({ reasons }) => reasons)))];
  const untold = stories.filter((story) => !isAnnounced(story)).map(({ address }) => address);
  if (untold.length > 0) {
    const reason: WhyReason = { kind: 'no-peer-told', addresses: listed(untold), first: details[0] };
    return judged('bgp', 'wrong', reason, whySentence(reason), details.slice(1));
  }
  const nodes = new Map<string, Set<string>>();
  for (const story of stories)
    for (const { node, told } of story.nodes)
      if (told.length > 0) nodes.set(node, (nodes.get(node) ?? new Set()).union(new Set(told)));
  const who = [...nodes].map(([node, peers]) => `${node} to ${listed([...peers].sort())}`);
  return ok('bgp', `Announced by ${listed(who)}.`, details);
}
