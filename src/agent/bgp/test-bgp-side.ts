// For the tests of the BGP side: one in a World of its own, with model peers on loopback.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { bgpAdvertisement, bgpPeer } from '../../announce/bgp/sample-world.ts';
import { formatCidr } from '../../model/address.ts';
import type { BgpPeer } from '../../model/bgp.ts';
import { excludeFromLoadBalancersLabel } from '../../model/node.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { StatusObject } from '../../model/status.ts';
import type { Change } from '../../model/world.ts';
import { silentLog } from '../../observe/log.ts';
import { Registry } from '../../observe/prometheus.ts';
import type { ToPulse } from '../../pulse/link.ts';
import { node, pool, service, slice } from '../test-world.ts';
import { createWorldFollower } from '../world-follower.ts';
import { createBgpSide } from './bgp-side.ts';
import type { ModelPeer } from './model-peer.ts';
import type { Interfaces } from './next-hops.ts';

export const interfacesWith = (...cidrs: readonly string[]): Interfaces => ({
  lo: cidrs.map((cidr) => ({ address: cidr.split('/')[0] ?? '', cidr })),
});

export function start(t: TestContext, { isReady = true, reportedBefore = [] as string[] } = {}) {
  const statuses = new Map<string, StatusObject>();
  const events: string[] = [];
  const said: ToPulse[] = [];
  const discarded: string[] = [];
  /** How many prefixes the first peer is to have, each time a report is asked for. */
  const reported: (number | undefined)[] = [];
  const kernel = Promise.withResolvers<void>();
  if (isReady) kernel.resolve();
  const state = {
    isDrained: false,
    isForwarded: true,
    isMarked: false,
    interfaces: interfacesWith('127.0.0.1/8'),
    readdress: (_: Interfaces, ...__: readonly string[]): void => {},
  };
  const stop = new AbortController();
  const follower = createWorldFollower({ isOurs: () => true, loneNode: undefined });
  const side = createBgpSide({
    node: 'node-1',
    follower,
    isHealthy: () => true,
    isForwarded: () => state.isForwarded,
    kernelBegun: () => kernel.promise,
    isDrained: () => state.isDrained,
    sendToPulse: (message) => said.push(message),
    restartMarker: {
      isSet: false,
      set(isSet) {
        state.isMarked = isSet;
      },
    },
    discards: { want: (aggregates) => discarded.push(aggregates.map(formatCidr).join()) },
    openLinks(changed) {
      state.readdress = (interfaces, ...gone) => {
        state.interfaces = interfaces;
        changed(new Set(gone));
      };
      return {
        get interfaces() {
          return state.interfaces;
        },
        follow() {},
        [Symbol.dispose]() {},
      };
    },
    listenPort: undefined,
    reportedBefore: Promise.resolve(reportedBefore),
    statuses: {
      put: (object) => statuses.set(object.metadata.name, object),
      remove: (_kind, _namespace, name) => statuses.delete(name),
      idle: async () => {},
    },
    events: { record: ({ message }) => events.push(message) },
    log: silentLog,
    registry: new Registry(),
    changed: () => queueMicrotask(() => reported.push(side.report()?.peers[0]?.prefixes)),
    signal: stop.signal,
  });
  t.after(async () => {
    stop.abort();
    await side.close();
  });
  const batch = (...changes: readonly Change[]): void =>
    side.take(follower.take({ changes, complete: true }));
  return { side, statuses, events, said, discarded, reported, kernel, state, batch };
}

export const base = [pool(), node('node-1', ['127.0.0.1']), bgpAdvertisement('all')];
export const tor = ({ port }: ModelPeer, more: Partial<BgpPeer> = {}): Change =>
  bgpPeer('tor', { peer: { address: sampleAddress('127.0.0.1') }, peerPort: port, ...more });
export const web = (name: string, address: string, ...nodes: readonly string[]): Change[] => [
  service(name, [address]),
  slice(
    name,
    nodes.map((one) => ({ node: one })),
  ),
];

export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
export const excluded = ((): Change => {
  const own = node('node-1', ['127.0.0.1']);
  const labels = { [excludeFromLoadBalancersLabel]: '' };
  return { ...own, object: own.object && { ...own.object, labels } };
})();
/** GRACEFUL_SHUTDOWN is 65535:0. */
export const asksToBeLeft = ({ table }: ModelPeer): boolean =>
  [...table.values()]
    .flat()
    .some((one) => one.kind === 'communities' && one.communities.includes(0xffff_0000));
export const tableOf = ({ table }: ModelPeer): string => [...table.keys()].sort().join();
