// The lab with a data plane on its nodes and pods that answer: forwarding alone, without allocation or announcements.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { addPod, standardTopology, type Topology, type TopologyPod } from '../../lab/topology.ts';
import { emptyClaims, updateClaims } from '../../src/dataplane/claims.ts';
import type { AuditResult, DataPlane, SyncResult } from '../../src/dataplane/data-plane.ts';
import { createNftablesDataPlane } from '../../src/dataplane/nftables/apply.ts';
import { openNftables } from '../../src/dataplane/nftables/kernel.ts';
import { openConntrack } from '../../src/dataplane/nftables/kernel-conntrack.ts';
import { planService } from '../../src/dataplane/plan.ts';
import type { Frontend } from '../../src/dataplane/table.ts';
import { type Address, type Cidr, parseAddress, parseCidr } from '../../src/model/address.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../src/model/endpoint-slice.ts';
import { sampleService } from '../../src/model/sample.ts';
import type { Service, ServiceKey, ServicePort } from '../../src/model/service.ts';
import { applyBatch, emptyWorld } from '../../src/model/world.ts';

export const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
};
export const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed;
};

/** The Services' addresses; the router sends them to node1. */
export const virtual = { IPv4: '192.0.2.200', IPv6: '2001:db8:1::200' };
export const families = ['IPv4', 'IPv6'] as const;
export const podPort = 8080;
export const serviceKey = 'default/web';

export interface AskOptions {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Keeps the socket under this name, and uses it again. */
  readonly keep?: string;
  readonly milliseconds: number;
}

export interface PeerRequest {
  readonly id: number;
  readonly ask: AskOptions;
}

export interface Peer {
  readonly host: Host;
  /** Connects, or sends, and returns `NAME CLIENT TEXT` of who answered, or `! WHY` not. */
  ask(protocol: 'tcp' | 'udp', address: string, port: number, keep?: string): Promise<string>;
  /** The names of those who answered so many new connections. */
  askMany(count: number, protocol: 'tcp' | 'udp', address: string, port: number): Promise<Set<string>>;
}

export interface ForwardingScene extends AsyncDisposable {
  readonly lab: Lab;
  readonly topology: Topology;
  readonly client: Peer;
  readonly node1: Peer;
  /** pod-a and pod-b are on node1, pod-c is on node2. */
  readonly pods: readonly [Peer, Peer, Peer];
  /** node1's. */
  dataPlane: DataPlane;
  readonly endpoints: Record<string, Partial<Endpoint>>;
  readonly deadNodes: Set<string>;
  /** Plans the Service with these changes and syncs node1; what is not named is as by default. */
  serve(service?: Partial<Service>, ports?: readonly EndpointPort[]): Promise<SyncResult>;
  remove(service: ServiceKey): Promise<SyncResult>;
  /** What node1 should have. */
  readonly wanted: Map<ServiceKey, readonly Frontend[]>;
  /** A new process' data plane in the place of the old. */
  restart(): Promise<void>;
  audit(): Promise<AuditResult>;
}

export const tcpPort: ServicePort = { name: 'http', protocol: 'TCP', port: 80, nodePort: undefined };
export const udpPort: ServicePort = { name: 'dns', protocol: 'UDP', port: 53, nodePort: undefined };

const defaultService = sampleService(serviceKey, {
  ports: [tcpPort, udpPort],
  ipFamilyPolicy: 'PreferDualStack',
  allocated: { addresses: [address(virtual.IPv4), address(virtual.IPv6)], pool: undefined },
});

const defaultPorts: readonly EndpointPort[] = [
  { name: 'http', protocol: 'TCP', port: podPort },
  { name: 'dns', protocol: 'UDP', port: podPort },
];

export async function forwardingScene(): Promise<ForwardingScene> {
  const lab = await createLab();
  const topology = standardTopology(lab, 2);
  const [node1, node2] = topology.nodes;
  assert.ok(node1 && node2);
  topology.router.ip(
    `route add ${virtual.IPv4} via ${node1.addresses[0]}`,
    `route add ${virtual.IPv6} via ${node1.addresses[1]}`,
  );
  const pods = [
    addPod(lab, node1, 1, 'pod-a'),
    addPod(lab, node1, 2, 'pod-b'),
    addPod(lab, node2, 1, 'pod-c'),
  ];
  const [client, onNode, a, b, c] = await Promise.all([
    startPeer('client', topology.client),
    startPeer('node1', node1.host),
    ...pods.map(({ name, host }) => startPeer(name, host)),
  ]);
  assert.ok(client && onNode && a && b && c);

  const world = emptyWorld();
  const claims = emptyClaims();
  const open = (): DataPlane =>
    createNftablesDataPlane({
      port: node1.host.inside(openNftables),
      conntrack: node1.host.inside(openConntrack),
      graceMilliseconds: 100,
    });
  const podCidrs = node1.podCidrs.map(cidr);

  const scene: ForwardingScene = {
    lab,
    topology,
    client,
    node1: onNode,
    pods: [a, b, c],
    dataPlane: open(),
    endpoints: {},
    deadNodes: new Set(),
    wanted: new Map(),
    async serve(changes = {}, ports = defaultPorts) {
      const service: Service = { ...defaultService, ...changes };
      const slices = families.map((family) => sliceOf(service.key, family, pods, ports, scene.endpoints));
      applyBatch(world, {
        changes: [
          { kind: 'Service', key: service.key, object: service },
          ...slices.map((slice) => ({ kind: 'EndpointSlice' as const, key: slice.key, object: slice })),
        ],
        complete: true,
      });
      updateClaims(claims, service.key, service);
      const context = { node: 'node1', deadNodes: scene.deadNodes, unhealthy: new Set<string>(), claims };
      const { frontends } = planService(world, service.key, context);
      scene.wanted.set(service.key, frontends);
      return synced(scene.dataPlane.sync(new Map([[service.key, frontends]]), 'changes'));
    },
    remove(key) {
      applyBatch(world, { changes: [{ kind: 'Service', key, object: undefined }], complete: true });
      updateClaims(claims, key, undefined);
      scene.wanted.delete(key);
      return synced(scene.dataPlane.sync(new Map([[key, []]]), 'changes'));
    },
    async restart() {
      await scene.dataPlane[Symbol.asyncDispose]();
      scene.dataPlane = open();
      assert.equal((await scene.dataPlane.adopt()).found, 'ours');
      await scene.dataPlane.setPodCidrs(podCidrs);
      await synced(scene.dataPlane.sync(scene.wanted, 'everything'));
    },
    audit: () => scene.dataPlane.audit('full'),
    async [Symbol.asyncDispose]() {
      await scene.dataPlane[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
  await scene.dataPlane.setPodCidrs(podCidrs);
  await synced(scene.dataPlane.sync(new Map(), 'everything'));
  return scene;
}

async function synced(result: Promise<SyncResult>): Promise<SyncResult> {
  const { failed, flowsProblem } = await result;
  assert.deepEqual([...failed.values(), flowsProblem], [undefined]);
  return result;
}

function sliceOf(
  service: ServiceKey,
  family: 'IPv4' | 'IPv6',
  pods: readonly TopologyPod[],
  ports: readonly EndpointPort[],
  changes: Readonly<Record<string, Partial<Endpoint>>>,
): EndpointSlice {
  return {
    key: `${service}-${family}`,
    service,
    family,
    ports,
    endpoints: pods.map(({ name, node, ipv4, ipv6 }) => ({
      address: address(family === 'IPv4' ? ipv4 : ipv6),
      ready: true,
      serving: true,
      terminating: false,
      nodeName: node,
      zone: undefined,
      ...changes[name],
    })),
    healthCheck: undefined,
  };
}

/** Not ready, not serving: as if it were not there. */
export const gone: Partial<Endpoint> = { ready: false, serving: false };
/** Terminating, and still serving. */
export const leaving: Partial<Endpoint> = { ready: false, serving: true, terminating: true };

export async function startPeer(name: string, host: Host): Promise<Peer> {
  const argv = [process.execPath, join(import.meta.dirname, 'peer.ts'), name, String(podPort)] as const;
  const child = host.spawn(argv, { pipe: true, log: `peer-${name}` });
  assert.ok(child.stdin && child.stdout);
  const { stdin } = child;
  const waiting = new Map<number, (answer: string) => void>();
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  lines.on('line', (line) => {
    const { id, answer } = JSON.parse(line) as { id: number; answer: string };
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  let requests = 0;
  const peer: Peer = {
    host,
    ask: (protocol, to, port, keep) =>
      new Promise((resolve) => {
        const id = ++requests;
        waiting.set(id, resolve);
        const ask: AskOptions = { protocol, address: to, port, milliseconds: 400, ...(keep && { keep }) };
        stdin.write(`${JSON.stringify({ id, ask })}\n`);
      }),
    async askMany(count, protocol, to, port) {
      const names = new Set<string>();
      for (let asked = 0; asked < count; asked++) names.add(answerer(await peer.ask(protocol, to, port)));
      return names;
    },
  };
  return peer;
}

/** Who answered: the first word of an answer. */
export const answerer = (answer: string): string => answer.split(' ', 1)[0] ?? '';
/** The client whom they saw. */
export const seen = (answer: string): string => answer.split(' ')[1] ?? '';
