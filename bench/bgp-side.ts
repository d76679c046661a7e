// The agent's BGP side in a process of its own, for the bench of its memory: `bgp-side.ts ROUTES [PEER ...]`. It has a World of
// so many Services, and tells those peers of each; without peers there is the World alone. Writes `settled` when all peers
// have been told and the garbage is collected (`--expose-gc`), and lives until it is killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { createBgpSide } from '../src/agent/bgp/bgp-side.ts';
import { openLinks } from '../src/agent/bgp/own-links.ts';
import { createWorldFollower } from '../src/agent/world-follower.ts';
import { bgpAdvertisement, bgpPeer } from '../src/announce/bgp/sample-world.ts';
import type { Address } from '../src/model/address.ts';
import { sampleAddress, sampleService } from '../src/model/sample.ts';
import type { Change } from '../src/model/world.ts';
import { silentLog } from '../src/observe/log.ts';
import { Registry } from '../src/observe/prometheus.ts';

const node = 'node1';
const [, , count = '', ...peers] = process.argv;
const first = sampleAddress('198.18.0.0').value;

const follower = createWorldFollower({ isOurs: () => true, loneNode: undefined });
const changes: Change[] = [
  nodeChange(),
  poolChange(),
  ...Array.from({ length: Number(count) }, serviceOf).flat(),
];
if (peers.length === 0) follower.take({ changes, complete: true });
else await tellPeers();
for (let round = 0; round < 5; round++) {
  await sleep(1000);
  globalThis.gc?.();
}
process.stdout.write('settled\n');
setInterval(() => {}, 60_000);

async function tellPeers(): Promise<void> {
  const side = createBgpSide({
    node,
    follower,
    isHealthy: () => true,
    isForwarded: () => true,
    kernelBegun: async () => {},
    isDrained: () => false,
    sendToPulse() {},
    restartMarker: { isSet: false, set() {} },
    discards: { want() {} },
    openLinks: openLinks(silentLog),
    listenPort: undefined,
    reportedBefore: Promise.resolve([]),
    statuses: { put() {}, remove() {}, idle: async () => {} },
    events: { record() {} },
    log: silentLog,
    registry: new Registry(),
    changed() {},
    signal: new AbortController().signal,
  });
  const wanted = peers.map((peer) => bgpPeer(peer, { peer: { address: sampleAddress(peer) } }));
  side.take(
    follower.take({ changes: [...changes.splice(0), bgpAdvertisement('all'), ...wanted], complete: true }),
  );
  const isDone = (): boolean => side.report()?.peers.every(({ told }) => told) === true;
  while (!isDone()) await sleep(50);
}

/** A Service with an address and one endpoint here. */
function serviceOf(_: unknown, index: number): Change[] {
  const key = `shop/service-${index}`;
  const address: Address = { family: 'IPv4', value: first + BigInt(index) };
  const endpoint = {
    address,
    ready: true,
    serving: true,
    terminating: false,
    nodeName: node,
    zone: undefined,
  };
  return [
    {
      kind: 'Service',
      key,
      object: sampleService(key, { allocated: { addresses: [address], pool: 'pool' } }),
    },
    {
      kind: 'EndpointSlice',
      key: `${key}-1`,
      object: {
        key: `${key}-1`,
        service: key,
        family: 'IPv4',
        ports: [],
        endpoints: [endpoint],
        healthCheck: undefined,
      },
    },
  ];
}

function nodeChange(): Change {
  return {
    kind: 'Node',
    key: node,
    object: {
      name: node,
      labels: {},
      addresses: [sampleAddress('192.0.2.11')],
      podCidrs: [],
      networkUnavailable: false,
      isMember: true,
    },
  };
}

function poolChange(): Change {
  return {
    kind: 'IPAddressPool',
    key: 'pool',
    object: {
      name: 'pool',
      labels: {},
      ranges: [{ first: sampleAddress('198.18.0.0'), last: sampleAddress('198.19.255.255') }],
      autoAssign: true,
      avoidBuggyIPs: false,
      serviceAllocation: undefined,
      probe: 'background',
    },
  };
}
