// One node that announces by BGP, and a router that judges it: a session for each feature, each from an address of its own.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { BgpJudge, Neighbour, StartJudge } from '../../lab/bgp-judge.ts';
import { webPorts } from '../../lab/demo/scene.ts';
import { createLabGantry, type LabGantry, until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { type Manifest, poolManifest } from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import {
  addPod,
  standardTopology,
  type Topology,
  type TopologyNode,
  type TopologyPod,
} from '../../lab/topology.ts';
import type { NodeReport } from '../../src/api/node-report.ts';

export const routerAsn = 64501;
export const routerAddress = { IPv4: '192.0.2.254', IPv6: '2001:db8:1::fe' } as const;
/** Behind the router, on its loopback. */
const farAddress = '203.0.113.254';

/** One session: how the judge is told of it, and what its BGPPeer has beyond that. */
export interface Session {
  readonly name: string;
  readonly neighbour: Neighbour;
  readonly spec: Readonly<Record<string, unknown>>;
  /** What the judge is to have from it. */
  readonly prefixes: readonly string[];
}

export const prefixes = { IPv4: '198.18.200.1/32', IPv6: '2001:db8:f::/128' } as const;

const own = (number: number): string => `192.0.2.${number}`;
const ownV6 = (number: number): string => `2001:db8:1::${number}`;

function session(
  name: string,
  number: number,
  spec: Session['spec'] = {},
  more: Partial<Neighbour> = {},
): Session {
  const isIpv6 = name === 'IPv6';
  const families = more.families ?? [isIpv6 ? 'IPv6' : 'IPv4'];
  const address = isIpv6 ? ownV6(number) : own(number);
  const neighbour = { address, asn: 64500, families, ...more };
  return {
    name,
    neighbour,
    prefixes: families.map((family) => prefixes[family]),
    spec: {
      myASN: neighbour.asn,
      peerASN: routerAsn,
      peerAddress: neighbour.local ?? routerAddress[isIpv6 ? 'IPv6' : 'IPv4'],
      sourceAddress: address,
      connectTime: '1s',
      ...spec,
    },
  };
}

/** What a session needs to come up. */
export const sessions: readonly Session[] = [
  session('IPv4', 31),
  session('IPv6', 31),
  session('both families', 32, { dualStackAddressFamily: true }, { families: ['IPv4', 'IPv6'] }),
  session('iBGP', 33, {}, { asn: routerAsn }),
  session('multihop', 34, { ebgpMultiHop: true }, { isMultihop: true, local: farAddress }),
  session('MD5', 35, { password: 'lab-secret' }, { password: 'lab-secret' }),
  session('GTSM', 36, {}, { hasTtlSecurity: true }),
  session('4-byte AS', 37, {}, { asn: 4_200_000_001 }),
  session('graceful restart', 38, { enableGracefulRestart: true }, { gracefulRestart: true }),
];
/** For an agent that listens: both connect, and one connection stays. */
export const bothConnect = session('both connect', 41, {}, { connects: true });
export const bfdSession = session('BFD', 39, { bfdProfile: 'fast' }, { bfd: true });
export const shortHold = session(
  'hold time',
  40,
  { holdTime: '3s', keepaliveTime: '1s' },
  { holdTimeSeconds: 3 },
);

export interface BgpScene extends AsyncDisposable {
  readonly lab: Lab;
  readonly topology: Topology;
  readonly node: TopologyNode;
  readonly pod: TopologyPod;
  readonly gantry: LabGantry;
  readonly judge: BgpJudge;
  readonly agent: ChildProcess;
  restartAgent(): ChildProcess;
  report(): NodeReport | undefined;
  peer(name: string): NonNullable<NodeReport['bgp']>['peers'][number] | undefined;
  /** The judge has exactly what it is to have, by its own word. */
  hasRoutes(session: Session): boolean;
  announced(...sessions: readonly Session[]): Promise<void>;
  log(program: string): string;
}

export const peerManifest = ({ name, spec }: Pick<Session, 'name' | 'spec'>): Manifest => ({
  apiVersion: 'metallb.io/v1beta2',
  kind: 'BGPPeer',
  metadata: { name: nameOf({ name }) },
  spec,
});

export const nameOf = ({ name }: Pick<Session, 'name'>): string => name.toLowerCase().replaceAll(' ', '-');

export const advertisementManifest = (spec: object = {}, name = 'all'): Manifest => ({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'BGPAdvertisement',
  metadata: { name },
  spec,
});

export const fastBfd: Manifest = {
  apiVersion: 'metallb.io/v1beta1',
  kind: 'BFDProfile',
  metadata: { name: 'fast' },
  spec: { receiveInterval: 200, transmitInterval: 200, detectMultiplier: 3 },
};

export async function startBgpScene(
  startJudge: StartJudge,
  wanted: readonly Session[],
  agentArguments: readonly string[] = [],
): Promise<BgpScene> {
  const lab = await createLab();
  try {
    const topology = standardTopology(lab, 1);
    const [node] = topology.nodes;
    if (node === undefined) throw new Error('the topology has no node');
    for (const { neighbour } of wanted)
      node.host.ip(
        neighbour.address.includes(':')
          ? `address add ${neighbour.address}/64 dev eth0 nodad`
          : `address add ${neighbour.address}/24 dev eth0`,
      );
    topology.router.ip(`address add ${farAddress}/32 dev lo`);
    const pod = addPod(lab, node, 1, 'web-1');
    const responder = pod.host.spawn(gantryCommand('lab', 'responder', 'web-1', '8080', '8081'), {
      pipe: true,
    });
    if (responder.stdout !== null) await once(responder.stdout, 'data');
    const judging = startJudge(
      lab,
      topology.router,
      routerAsn,
      wanted.map(({ neighbour }) => neighbour),
    );
    const gantry = createLabGantry(lab, topology);
    // Blocks, so that they can be announced whole.
    gantry.write(
      'pool',
      poolManifest('far', ['198.18.200.0/29', '2001:db8:f::/124'], { avoidBuggyIPs: true }),
    );
    gantry.write('profile', fastBfd);
    gantry.write('advertisement', advertisementManifest());
    for (const one of wanted) gantry.write(nameOf(one), peerManifest(one));
    gantry.writeService('shop', 'web', webPorts, [pod]);
    gantry.startController();
    let { agent } = gantry.startNode(node, [], agentArguments);
    const judge = await judging;
    const scene: BgpScene = {
      lab,
      topology,
      node,
      pod,
      gantry,
      judge,
      get agent() {
        return agent;
      },
      restartAgent() {
        agent = node.host.spawn(gantryCommand(...gantry.agentArguments(node), ...agentArguments), {
          log: `${node.name}-agent`,
        });
        return agent;
      },
      report: () => {
        const object = gantry.status(`nodereports/${node.name}.json`) as { status: NodeReport } | undefined;
        return object?.status;
      },
      peer: (name) => scene.report()?.bgp?.peers.find((one) => one.name === name),
      hasRoutes({ neighbour, prefixes: expected }) {
        if (!judge.isEstablished(neighbour.address)) return false;
        const found = judge.routes(neighbour.address).map(({ prefix }) => prefix);
        return found.sort().join() === [...expected].sort().join();
      },
      async announced(...all) {
        for (const one of all)
          await until(
            `${judge.name} has the routes of ${one.name}, and the node says so`,
            () => scene.peer(nameOf(one))?.told === true && scene.hasRoutes(one),
            40_000,
          );
      },
      log: (program) => scene.node.host.exec(['cat', node.host.logPath(program)]).stdout,
      [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
    };
    return scene;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

export function sessionNamed(name: string): Session {
  const found = sessions.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no session ${name}`);
  return found;
}
