// One address spread over nodes: each neighbour goes to the node of its share, on real neighbours' own ARP and NDP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stream, targetText } from '../../lab/demo/probing.ts';
import { createLabGantry, type LabGantry, until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { l2AdvertisementManifest, type Manifest, poolManifest } from '../../lab/manifests.ts';
import type { ProbeReport } from '../../lab/probe.ts';
import { gantryCommand } from '../../lab/program.ts';
import { type LabPulse, linkAddress, startPulse } from '../../lab/pulses.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import {
  addPod,
  poolRanges,
  standardTopology,
  type Topology,
  type TopologyNode,
} from '../../lab/topology.ts';
import { formatMac } from '../../src/announce/layer2/ethernet.ts';
import { rankShares } from '../../src/announce/rank-shares.ts';
import { listLinks } from '../../src/linux/links.ts';
import { shareKeys, shareOf, sharesPerAddress } from '../../src/model/share.ts';

/** A neighbour on the LAN, and the node that its share is wanted on. */
interface Client {
  readonly host: Host;
  readonly wanted: TopologyNode;
}

interface Scene extends AsyncDisposable {
  readonly lab: Lab;
  readonly topology: Topology;
  readonly gantry: LabGantry;
  readonly clients: readonly Client[];
  readonly addresses: readonly string[];
}

const advertisement = (spread: string | undefined): Manifest => {
  const manifest = l2AdvertisementManifest('lan');
  const annotations = spread === undefined ? {} : { 'gantry.dev/spread': spread };
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
};

const macOfShare = (share: number, cluster: number): Uint8Array => {
  for (let last = 0; last < 256; last++) {
    const mac = Uint8Array.of(2, 0, 0, 9, cluster, last);
    if (shareOf(mac) === share) return mac;
  }
  throw new Error(`no MAC of share ${share}`);
};

/** Three nodes, pods on the first two, and two clients for each node. */
async function scene(spread: string | undefined): Promise<Scene> {
  const lab = await createLab();
  const topology = standardTopology(lab, 3);
  const gantry = createLabGantry(lab, topology);
  const pods = topology.nodes.slice(0, 2).map((node, index) => addPod(lab, node, 1, `pod${index + 1}`));
  for (const { name, host } of pods) host.spawn(gantryCommand('lab', 'responder', name, '8080', '8081'));
  gantry.write('pool', poolManifest('lan', poolRanges));
  gantry.write('advertisement', advertisement(spread));
  const ports = [
    { name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 },
    { name: 'echo', protocol: 'TCP', port: 7, targetPort: 8081 },
  ] as const;
  gantry.writeService('web', 'a', ports, pods);
  gantry.startController();
  for (const node of topology.nodes) gantry.startNode(node, ['--failback', 'at-once']);
  const addresses = await until(
    'it has addresses',
    () => {
      const found = gantry.addresses('web', 'a');
      return found.length === 2 ? found : undefined;
    },
    20_000,
  );

  const contenders = topology.nodes.map(({ name }) => ({ node: name, served: 1, weight: 0 }));
  const orders = rankShares(contenders, addresses[0] ?? '');
  const clients = topology.nodes.flatMap((wanted, number) => {
    const shares = orders.flatMap(([first], share) => (first?.node === wanted.name ? [share] : []));
    return [0, 1].map((index): Client => {
      const name = `client${number + 1}${index + 1}`;
      const host = lab.host(name);
      const last = 101 + number * 2 + index;
      lab.connect(host, 'eth0', topology.lan);
      host.ip(`link set eth0 address ${formatMac(macOfShare(shares[index] ?? 0, number))}`);
      host.ip(`address add 192.0.2.${last}/24 dev eth0`);
      host.ip(`address add 2001:db8:1::${last}/64 dev eth0 nodad`);
      return { host, wanted };
    });
  });
  return {
    lab,
    topology,
    gantry,
    clients,
    addresses,
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

const macOf = (host: Host): string => {
  const link = host.inside(() => listLinks().find(({ name }) => name === 'eth0'));
  assert.ok(link);
  return formatMac(link.mac);
};

/** Which MAC the client's kernel has for the address. */
const known = (client: Host, address: string): string | undefined =>
  /lladdr (\S+)/.exec(client.exec(['ip', 'neigh', 'show', 'to', address, 'dev', 'eth0']).stdout)?.[1];

/** The same, once it has forgotten it and asked anew. */
function resolve(client: Host, address: string): string | undefined {
  const family = address.includes(':') ? '-6' : '-4';
  client.exec(['ip', family, 'neigh', 'flush', 'to', address, 'dev', 'eth0'], { mayFail: true });
  client.exec(['ping', family, '-c', '1', '-W', '0.2', address], { mayFail: true });
  return known(client, address);
}

/** By node, how many shares of all addresses it reports. */
function sharesReported({ gantry, topology }: Scene): Map<string, number> {
  return new Map(
    topology.nodes.map(({ name }) => {
      const status = gantry.status(`servicel2statuses/${name}/web/a.json`) as
        | { metadata: { annotations?: Record<string, string> } }
        | undefined;
      const shares = status?.metadata.annotations?.['gantry.dev/shares'] ?? '';
      return [name, [...shares.matchAll(/ (\d+)\//g)].reduce((sum, [, count]) => sum + Number(count), 0)];
    }),
  );
}

const isSpread = (it: Scene): boolean => {
  const counts = [...sharesReported(it).values()];
  return counts.every((count) => count > 0) && counts.reduce((a, b) => a + b) === 2 * sharesPerAddress;
};

const isWhole = (it: Scene): boolean =>
  [...sharesReported(it).values()].every((count) => count === 0) &&
  it.topology.nodes.filter(
    ({ name }) => it.gantry.status(`servicel2statuses/${name}/web/a.json`) !== undefined,
  ).length === 1;

const eachOnItsNode = async ({ clients, addresses }: Scene): Promise<void> => {
  for (const { host, wanted } of clients)
    for (const address of addresses)
      await until(
        `${host.name} is answered by ${wanted.name} for ${address}`,
        () => resolve(host, address) === macOf(wanted.host),
        15_000,
      );
};

/** Asks both addresses from the client, ten times a second, until the probing is ended. */
function startProbing(client: Host, addresses: readonly string[]): () => Promise<readonly ProbeReport[]> {
  const targets = addresses.map((address) => targetText('tcp', address, 80));
  const child = client.spawn(
    gantryCommand('lab', 'probe', ...targets, '--interval', '100', '--duration', '120000'),
    { pipe: true, log: `${client.name}-probe` },
  );
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const closed = new Promise((done) => child.once('close', done));
  return async () => {
    child.kill('SIGTERM');
    await closed;
    return JSON.parse(text) as ProbeReport[];
  };
}

/** A takeover takes a quarter of a second; a neighbour that finds out by itself needs five seconds at least. */
const patienceMilliseconds = 3000;

testInsideLab(import.meta.filename, () => {
  test('neighbours are spread over the nodes; the death of one moves its own, within a second, and no others', async () => {
    await using it = await scene('true');
    const { topology, clients, addresses, gantry } = it;
    await until('all shares are reported', () => isSpread(it), 30_000);
    await eachOnItsNode(it);
    const before = new Map(
      clients.map(({ host }) => [host, addresses.map((address) => known(host, address))]),
    );
    const [observer] = topology.nodes;
    assert.ok(observer);
    const ask = (...args: readonly string[]): string =>
      observer.host.exec(gantryCommand(...args, '--folder', gantry.folder), { mayFail: true }).stdout;
    await until(
      'why tells the shares',
      () => /of 16 shares of 192\.0\.2\.2/.test(ask('why', 'web/a')),
      30_000,
    );
    assert.match(ask('status'), /node1 \d\/16,node2 \d\/16,node3 \d\/16/);

    const probes = clients.map(({ host }) => startProbing(host, addresses));
    await sleep(2000);
    const victim = topology.nodes[2];
    assert.ok(victim);
    victim.host.powerOff();
    const macOfVictim = before.get(clients.find(({ wanted }) => wanted === victim)?.host ?? victim.host)?.[0];
    await until(
      'all have a living node',
      () => clients.every(({ host }) => addresses.every((address) => known(host, address) !== macOfVictim)),
      15_000,
    );
    await sleep(1000);
    for (const [index, { host, wanted }] of clients.entries()) {
      const reports = (await probes[index]?.()) ?? [];
      for (const report of reports) {
        if (process.env['SHOW'])
          console.log(host.name, report.outageMilliseconds, report.failed, report.answered);
        const text = `${host.name} of ${wanted.name}: ${JSON.stringify(report)}`;
        assert.ok(report.answered > 10 && report.outageMilliseconds < patienceMilliseconds, text);
      }
      const after = addresses.map((address) => known(host, address));
      if (wanted === victim) assert.notDeepEqual(after, before.get(host));
      else assert.deepEqual(after, before.get(host), `${host.name} of ${wanted.name} has stayed`);
    }
  });

  test('a node that had no share before knows whom to tell, over IPv6 too', async () => {
    await using lab = await createLab();
    const topology = standardTopology(lab, 3);
    const pulses = topology.nodes.map((node) => startPulse(lab, node, topology.nodes));
    using stack = new DisposableStack();
    for (const pulse of pulses) stack.use(pulse);
    const addresses = ['192.0.2.200', '2001:db8:1::200'];
    const shares = addresses.flatMap(shareKeys).map((key) => linkAddress(key, ['node2', 'node3', 'node1']));
    for (const pulse of pulses) pulse.announce(shares);
    const owns = (pulse: LabPulse | undefined) => pulse?.owned.size === shares.length;
    await until('node2 has all', () => owns(pulses[1]), 20_000);
    const areReady = (): boolean =>
      pulses.every(({ members }) => members.length === 3 && members.every(({ isReady }) => isReady));
    await until('all know whom to listen for', areReady, 30_000);
    const [, second, third] = topology.nodes;
    assert.ok(second && third);
    const { neighbour } = topology;
    for (const address of addresses)
      await until('it is answered', () => resolve(neighbour, address) === macOf(second.host), 30_000);
    second.host.powerOff();
    await until('node3 has all', () => owns(pulses[2]), 30_000);
    for (const address of addresses)
      await until(
        'the neighbour is told',
        () => known(neighbour, address) === macOf(third.host),
        patienceMilliseconds,
      );
  });

  test('an address is spread and made whole again while connections go on, and a wrong value changes nothing', async () => {
    await using it = await scene(undefined);
    const { clients, addresses, gantry, topology } = it;
    const [ipv4 = '', ipv6 = ''] = addresses;
    await until('one answers', () => isWhole(it), 30_000);
    const macs = (): Set<string | undefined> => new Set(clients.map(({ host }) => resolve(host, ipv4)));
    await until('all are answered by one', () => macs().size === 1);
    const mixed = clients.filter((_, index) => index % 2 === 0);
    const probes = mixed.map(({ host }) => startProbing(host, addresses));
    const streams = mixed.map(({ host }, index) => stream(host, index === 0 ? ipv6 : ipv4, 7, 20_000));
    await sleep(1500);

    gantry.write('advertisement', advertisement('true'));
    await until('it is spread', () => isSpread(it), 30_000);
    await eachOnItsNode({ ...it, clients: clients.filter((client) => !mixed.includes(client)) });

    gantry.write('advertisement', advertisement('yes'));
    const [observer] = topology.nodes;
    assert.ok(observer);
    const judged = observer.host.exec(gantryCommand('validate', gantry.folder), { mayFail: true });
    assert.equal(judged.code, 1);
    assert.match(judged.stdout, /gantry\.dev\/spread.*This must be "true", to spread addresses over nodes/);
    await sleep(1000);
    assert.ok(isSpread(it), 'the last accepted version is in force');

    gantry.write('advertisement', advertisement('false'));
    await until('one answers again', () => isWhole(it), 30_000);
    await until('for all', () => macs().size === 1);
    for (const { ok, bytes, error } of await Promise.all(streams)) {
      assert.deepEqual([ok, error], [true, undefined]);
      assert.ok(bytes > 100_000);
    }
    for (const finish of probes)
      for (const report of await finish()) {
        assert.ok(report.outageMilliseconds < patienceMilliseconds, JSON.stringify(report));
      }
  });
});
