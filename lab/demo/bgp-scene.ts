// The scene of the demo by BGP: FRR on the router, with a session and BFD to each node, and equal paths by connection.
import { type FrrRouter, startFrrBgp } from '../frr-bgp.ts';
import { until } from '../gantry.ts';
import type { Lab } from '../lab.ts';
import { type Manifest, poolManifest } from '../manifests.ts';
import { type Scene, startGantry, startPods } from './scene.ts';

export interface BgpDemoScene extends Scene {
  readonly frr: FrrRouter;
}

const asn = { nodes: 64500, router: 64501 } as const;
const bfd = { multiplier: 3, intervalMilliseconds: 50 } as const;

/** The first of each range is what the demo's Service gets. */
export const bgpAddresses = ['203.0.113.10', '2001:db8:f::10'] as const;

/** Resolves when all sessions are Established and BFD is up with each node. */
export async function startBgpScene(lab: Lab, network: Omit<Scene, 'gantry'>): Promise<BgpDemoScene> {
  const { topology } = network;
  const { router, nodes } = topology;
  // By connection, not by pair of addresses: the demo has a single client.
  router.sysctl('ipv4/fib_multipath_hash_policy', 1);
  router.sysctl('ipv6/fib_multipath_hash_policy', 1);
  await startPods(network);
  const neighbours = nodes.map(({ addresses: [address] }) => ({
    address,
    asn: asn.nodes,
    families: ['IPv4', 'IPv6'] as const,
    bfd: true,
    bfdIntervalMilliseconds: bfd.intervalMilliseconds,
  }));
  const frr = await startFrrBgp(lab, router, asn.router, neighbours);
  const gantry = await startGantry(lab, topology, [], configuration);
  for (const { name, addresses } of nodes)
    await until(
      `${name} has a session with the router, and BFD is up`,
      () => {
        const report = gantry.status(`nodereports/${name}.json`) as Report | undefined;
        const isWell = report?.status?.bgp?.peers.some(
          (peer) => peer.state === 'established' && peer.bfd === 'up',
        );
        return isWell === true && frr.isEstablished(addresses[0]);
      },
      30_000,
    );
  return { ...network, gantry, frr };
}

interface Report {
  readonly status?: {
    readonly bgp?: { readonly peers: readonly { readonly state: string; readonly bfd?: string }[] };
  };
}

const configuration: readonly Manifest[] = [
  poolManifest('far', ['203.0.113.10-203.0.113.20', '2001:db8:f::10-2001:db8:f::1f']),
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'BFDProfile',
    metadata: { name: 'fast' },
    spec: {
      receiveInterval: bfd.intervalMilliseconds,
      transmitInterval: bfd.intervalMilliseconds,
      detectMultiplier: bfd.multiplier,
    },
  },
  {
    apiVersion: 'metallb.io/v1beta2',
    kind: 'BGPPeer',
    metadata: { name: 'router' },
    spec: {
      myASN: asn.nodes,
      peerASN: asn.router,
      peerAddress: '192.0.2.254',
      connectTime: '1s',
      dualStackAddressFamily: true,
      bfdProfile: 'fast',
    },
  },
  { apiVersion: 'metallb.io/v1beta1', kind: 'BGPAdvertisement', metadata: { name: 'all' }, spec: {} },
];
