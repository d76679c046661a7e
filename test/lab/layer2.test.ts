// Layer 2 on the wire: real neighbours, real frames, and every hard lesson of the field that namespaces can show.
// Bonds, VLANs and IPVS are not to be had in every kernel: their rules are tested in interfaces.test.ts and host-check.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { captureFrames } from '../../lab/capture.ts';
import { until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { type LabPulse, linkAddress, startPulse } from '../../lab/pulses.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { standardTopology, type Topology } from '../../lab/topology.ts';
import { readArp } from '../../src/announce/layer2/arp.ts';
import { formatMac } from '../../src/announce/layer2/ethernet.ts';
import { listLinks } from '../../src/linux/links.ts';
import { formatAddress } from '../../src/model/address.ts';

const vip4 = '192.0.2.200';
const vip6 = '2001:db8:1::200';

interface Scene extends AsyncDisposable {
  readonly lab: Lab;
  readonly topology: Topology;
  readonly pulses: LabPulse[];
}

/** A topology with a pulse on each of its nodes; `prepare` may change the network first. */
async function scene(
  nodes: number,
  prepare: (lab: Lab, topology: Topology) => void = () => {},
): Promise<Scene> {
  const lab = await createLab();
  const topology = standardTopology(lab, nodes);
  prepare(lab, topology);
  const pulses = topology.nodes.map((node) => startPulse(lab, node, topology.nodes));
  return {
    lab,
    topology,
    pulses,
    async [Symbol.asyncDispose]() {
      for (const pulse of pulses) pulse[Symbol.dispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

const macOf = (host: Host, name = 'eth0'): string => {
  const link = host.inside(() => listLinks().find((one) => one.name === name));
  assert.ok(link, `${host.name} has no ${name}`);
  return formatMac(link.mac);
};

/** Forgets what the asker knows, asks by the kernel's own ARP or NDP, and tells who answered. */
function resolve(asker: Host, address: string, device = 'eth0'): string | undefined {
  const family = address.includes(':') ? '-6' : '-4';
  asker.exec(['ip', family, 'neigh', 'flush', 'to', address, 'dev', device], { mayFail: true });
  asker.exec(['ping', family, '-c', '1', '-W', '0.2', '-I', device, address], { mayFail: true });
  const listing = asker.exec(['ip', family, 'neigh', 'show', 'to', address, 'dev', device]).stdout;
  return /lladdr (\S+)/.exec(listing)?.[1];
}

const everywhere = (names: readonly string[]) => [linkAddress(vip4, names), linkAddress(vip6, names)];

const ownerOf = (pulses: readonly LabPulse[], address: string): LabPulse | undefined => {
  const owners = pulses.filter(({ owned }) => owned.has(address));
  return owners.length === 1 ? owners[0] : undefined;
};

testInsideLab(import.meta.filename, () => {
  test('the elected node alone answers the kernel’s own ARP and NDP, and its death moves both within a second', async () => {
    await using it = await scene(3);
    const { topology, pulses } = it;
    for (const pulse of pulses) pulse.announce(everywhere(['node2', 'node3', 'node1']));
    await until('node2 owns', () => ownerOf(pulses, vip6)?.node.name === 'node2' && ownerOf(pulses, vip4));
    const [node1, node2, node3] = topology.nodes;
    assert.ok(node1 && node2 && node3);
    for (const address of [vip4, vip6]) {
      for (const asker of [topology.router, topology.neighbour]) {
        assert.equal(resolve(asker, address), macOf(node2.host), `${asker.name} asks for ${address}`);
      }
    }
    using capture = captureFrames(topology.lan);
    const start = performance.now();
    node2.host.powerOff();
    const next = pulses.filter(({ node }) => node !== node2);
    await until('node3 owns', () => ownerOf(next, vip4)?.node === node3 && ownerOf(next, vip6));
    // 400 ms of patience and a tick; ten times as much for a crowded machine.
    assert.ok(performance.now() - start < 5000);
    assert.equal(pulses[2]?.owned.get(vip4)?.cause, 'takeover');
    assert.equal(pulses[2]?.owned.get(vip4)?.from, 'node2');
    // Those that had asked are told by themselves too: node3 has heard all requests of ARP.
    for (const asker of [topology.router, topology.neighbour]) {
      await capture.waitFor(({ from, bytes }) => {
        const arp = readArp(bytes);
        const isTold = !('error' in arp) && formatMac(arp.destinationMac) === macOf(asker);
        return from === 'node3' && isTold && formatAddress(arp.senderIp) === vip4;
      }, 2000);
    }
    // Nobody asked again: the neighbours were told.
    const known = topology.neighbour.exec(['ip', 'neigh', 'show', 'to', vip4]).stdout;
    assert.match(known, new RegExp(macOf(node3.host)));
    assert.equal(resolve(topology.router, vip6), macOf(node3.host));
  });

  test('a takeover is announced as request and reply, at once, after 100 ms, after 1.1 s and on', async () => {
    await using it = await scene(1);
    const [pulse] = it.pulses;
    assert.ok(pulse);
    using capture = captureFrames(it.topology.lan);
    pulse.announce(everywhere(['node1']));
    await until('node1 owns', () => pulse.owned.has(vip4));
    await sleep(2600);
    const announcements = capture.frames.filter(({ bytes }) => {
      const arp = readArp(bytes);
      return (
        !('error' in arp) && formatAddress(arp.senderIp) === vip4 && formatAddress(arp.targetIp) === vip4
      );
    });
    const operations = announcements.map(({ bytes }) => {
      const arp = readArp(bytes);
      return 'error' in arp ? '' : arp.operation;
    });
    assert.deepEqual(operations, Array.from({ length: 4 }, () => ['request', 'reply']).flat());
    const times = announcements
      .filter((_, index) => index % 2 === 0)
      .map(({ atMilliseconds }) => atMilliseconds);
    const expected = [0, 100, 1100, 2200];
    for (const [index, time] of times.entries()) {
      const offset = time - (times[0] ?? 0);
      assert.ok(offset >= (expected[index] ?? 0) - 20, `announcement ${index} after ${offset} ms`);
    }
    // Unsolicited neighbour advertisements, with override and not solicited, to all nodes.
    const advertisements = capture.frames.filter(
      ({ bytes }) => bytes[12] === 0x86 && bytes[13] === 0xdd && bytes[20] === 58 && bytes[54] === 136,
    );
    assert.equal(advertisements.length, 4);
    for (const { bytes } of advertisements) assert.equal((bytes[58] ?? 0) & 0xe0, 0x20);
  });

  test('a link that comes back is announced on again, though the owner never changed', async () => {
    await using it = await scene(1);
    const [pulse] = it.pulses;
    const cable = it.topology.nodes[0]?.host.cables.get('eth0');
    assert.ok(pulse && cable);
    pulse.announce([linkAddress(vip4, ['node1'])]);
    await until('node1 owns', () => pulse.owned.has(vip4));
    await sleep(300);
    cable.unplug();
    await until('nobody owns', () => !pulse.owned.has(vip4));
    using capture = captureFrames(it.topology.lan, 0x0806);
    cable.plug();
    await capture.waitFor(({ from, bytes }) => {
      const arp = readArp(bytes);
      return from === 'node1' && !('error' in arp) && formatAddress(arp.senderIp) === vip4;
    }, 5000);
    assert.equal(resolve(it.topology.neighbour, vip4), macOf(pulse.node.host));
  });

  test('a node whose link goes down loses the address though it is reachable by another link', async () => {
    await using it = await scene(2, (lab, topology) => {
      const second = lab.segment('lan2');
      for (const [index, { host }] of topology.nodes.entries()) {
        lab.connect(host, 'eth1', second, [`203.0.113.${index + 11}/25`]);
      }
    });
    const { pulses, topology } = it;
    const [node1, node2] = topology.nodes;
    assert.ok(node1 && node2);
    for (const pulse of pulses) pulse.announce([linkAddress(vip4, ['node1', 'node2'])]);
    await until('node1 owns', () => ownerOf(pulses, vip4)?.node === node1);
    node1.host.cables.get('eth0')?.unplug();
    await until('node2 owns', () => ownerOf(pulses, vip4)?.node === node2);
    assert.equal(resolve(topology.neighbour, vip4), macOf(node2.host));
  });

  test('of two links on one subnet only the selected one answers, and the selector binds the election', async () => {
    await using it = await scene(2, (lab, topology) => {
      const node2 = topology.nodes[1];
      assert.ok(node2);
      lab.connect(node2.host, 'eth1', topology.lan, ['192.0.2.22/24']);
      // So that each link answers for its own addresses only.
      node2.host.sysctl('ipv4/conf/all/arp_ignore', 1);
    });
    const { pulses, topology } = it;
    const [node1, node2] = topology.nodes;
    assert.ok(node1 && node2);
    for (const pulse of pulses) pulse.announce([linkAddress(vip4, ['node1', 'node2'], ['eth1'])]);
    await until('node2 owns', () => ownerOf(pulses, vip4)?.node === node2);
    assert.deepEqual(pulses[1]?.owned.get(vip4)?.interfaces, ['eth1']);
    using capture = captureFrames(topology.lan, 0x0806);
    assert.equal(resolve(topology.neighbour, vip4), macOf(node2.host, 'eth1'));
    // Frames come in by the event loop, which `resolve` holds up.
    await sleep(50);
    const answers = capture.frames.filter(({ bytes }) => {
      const arp = readArp(bytes);
      return !('error' in arp) && arp.operation === 'reply' && formatAddress(arp.targetIp) === '192.0.2.100';
    });
    assert.equal(answers.length, 1);
  });

  test('a bridge answers for its member, with its own MAC', async () => {
    await using it = await scene(1, (_, topology) => {
      topology.nodes[0]?.host.ip(
        'address flush dev eth0',
        'link add br0 address 02:00:00:00:00:77 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
        'link set eth0 master br0',
        'address add 192.0.2.11/24 dev br0',
        'link set br0 up',
      );
    });
    const [pulse] = it.pulses;
    assert.ok(pulse);
    pulse.announce([linkAddress(vip4, ['node1'])]);
    await until('node1 owns', () => pulse.owned.has(vip4));
    assert.deepEqual(pulse.owned.get(vip4)?.interfaces, ['br0']);
    assert.equal(resolve(it.topology.neighbour, vip4), '02:00:00:00:00:77');
  });

  test('pods’ veths, and links without ARP, are never answered on', async () => {
    await using it = await scene(1, (lab, topology) => {
      const host = topology.nodes[0]?.host;
      assert.ok(host);
      lab.pod(host, 'pod', [{ address: '198.18.1.10', gateway: '198.18.1.1' }]);
      lab.connect(host, 'eth1', lab.segment('lan2'), ['203.0.113.11/25']);
      host.ip('link set eth1 arp off');
    });
    const [pulse] = it.pulses;
    assert.ok(pulse);
    pulse.announce([linkAddress('198.51.100.77', ['node1'])]);
    // On nobody's subnet: on all usable links.
    await until('node1 owns', () => pulse.owned.has('198.51.100.77'));
    assert.deepEqual(pulse.owned.get('198.51.100.77')?.interfaces, ['eth0']);
  });

  test('an interface that appears later, without any address, is answered on, IPv6 groups included', async () => {
    await using it = await scene(1);
    const { lab, topology } = it;
    const [pulse] = it.pulses;
    assert.ok(pulse);
    pulse.announce([
      linkAddress('203.0.113.50', ['node1'], ['eth1']),
      linkAddress('2001:db8:3::50', ['node1'], ['eth1']),
    ]);
    await sleep(1500);
    assert.equal(pulse.owned.size, 0);
    const second = lab.segment('lan2');
    lab.connect(topology.neighbour, 'eth1', second, ['203.0.113.100/25', '2001:db8:3::100/64']);
    lab.connect(pulse.node.host, 'eth1', second);
    await until('node1 owns', () => pulse.owned.size === 2);
    for (const address of ['203.0.113.50', '2001:db8:3::50']) {
      assert.equal(resolve(topology.neighbour, address, 'eth1'), macOf(pulse.node.host, 'eth1'), address);
    }
    const groups = pulse.node.host.exec(['ip', 'maddr', 'show', 'dev', 'eth1']).stdout;
    assert.match(groups, /ff02::1:ff00:50/);
  });

  test('unicast requests are answered, and probes for a duplicate find one', async () => {
    await using it = await scene(1);
    const { topology, pulses } = it;
    const [pulse] = pulses;
    assert.ok(pulse);
    pulse.announce(everywhere(['node1']));
    await until('node1 owns', () => pulse.owned.size === 2);
    const mac = macOf(pulse.node.host);
    const { neighbour } = topology;
    // The first request is broadcast, the second goes to the MAC that answered, as routers renew what they know.
    assert.equal(resolve(neighbour, vip4), mac);
    // Until it is told no more of the move, by itself, since it has asked: arping would count that.
    await sleep(5000);
    const unicast = neighbour.exec(['/usr/bin/arping', '-c', '2', '-w', '3', '-I', 'eth0', vip4]).stdout;
    assert.match(unicast, /Sent 2 probes \(1 broadcast\(s\)\)\s+Received 2 response/);
    // RFC 5227: a probe from 0.0.0.0; arping -D exits with 1 when somebody answers.
    assert.equal(
      neighbour.exec(['/usr/bin/arping', '-D', '-c', '1', '-w', '1', '-I', 'eth0', vip4], { mayFail: true })
        .code,
      1,
    );
    // RFC 4862: the kernel's own detection refuses the address.
    neighbour.sysctl('ipv6/conf/eth0/accept_dad', 1);
    neighbour.ip(`address add ${vip6}/64 dev eth0`);
    await until('the kernel finds the duplicate', () =>
      /dadfailed/.test(neighbour.exec(['ip', '-6', 'address']).stdout),
    );
    neighbour.ip(`address del ${vip6}/64 dev eth0`);
    // A known neighbour is asked again by unicast when its entry is stale (RFC 4861 §7.3.3).
    assert.equal(resolve(neighbour, vip6), mac);
    neighbour.ip(`neigh change ${vip6} dev eth0 lladdr ${mac} nud probe`);
    await until('the neighbour is confirmed by unicast', () =>
      /REACHABLE/.test(neighbour.exec(['ip', '-6', 'neigh', 'show', 'to', vip6]).stdout),
    );
  });

  test('a hand-over by farewell leaves nobody without an answer for long, and the last candidate keeps quiet after it', async () => {
    await using it = await scene(2);
    const { pulses, topology } = it;
    for (const pulse of pulses) pulse.announce([linkAddress(vip4, ['node1', 'node2'])]);
    await until('node1 owns', () => ownerOf(pulses, vip4)?.node.name === 'node1');
    pulses[0]?.stop();
    await until('node2 owns', () => pulses[1]?.owned.has(vip4));
    const node2 = topology.nodes[1];
    assert.ok(node2);
    assert.equal(resolve(topology.neighbour, vip4), macOf(node2.host));
    await until('the first pulse has ended', () => pulses[0]?.process.exitCode === 0);
  });

  test('pulse outlives its agent: with nobody connected it still takes over', async () => {
    await using it = await scene(2);
    const { pulses, topology } = it;
    const [node1, node2] = topology.nodes;
    assert.ok(node1 && node2);
    for (const pulse of pulses) pulse.announce([linkAddress(vip4, ['node1', 'node2'])]);
    await until('node1 owns', () => ownerOf(pulses, vip4)?.node === node1);
    for (const pulse of pulses) pulse.hangUp();
    node1.host.powerOff();
    await until('node2 answers', () => resolve(topology.neighbour, vip4) === macOf(node2.host));
  });

  test('two halves of a cut LAN both answer; once healed one yields and the other announces anew', async () => {
    await using it = await scene(2);
    const { pulses, topology } = it;
    const [node1, node2] = topology.nodes;
    assert.ok(node1 && node2);
    for (const pulse of pulses) pulse.announce([linkAddress(vip4, ['node1', 'node2'])]);
    await until('node1 owns', () => ownerOf(pulses, vip4)?.node === node1);
    const cuts = [
      topology.lan.cut({ from: node1.host, to: node2.host }),
      topology.lan.cut({ from: node2.host, to: node1.host }),
    ];
    await until('both own', () => pulses.every(({ owned }) => owned.has(vip4)));
    using capture = captureFrames(topology.lan, 0x0806);
    for (const cut of cuts) cut[Symbol.dispose]();
    await until('one yields', () => ownerOf(pulses, vip4)?.node === node1);
    await capture.waitFor(({ from, bytes }) => {
      const arp = readArp(bytes);
      return from === 'node1' && !('error' in arp) && formatAddress(arp.senderIp) === vip4;
    }, 2000);
    assert.equal(resolve(topology.router, vip4), macOf(node1.host));
  });

  test('a frozen node does not answer when it thaws before it has listened again', async () => {
    await using it = await scene(2);
    const { pulses, topology } = it;
    const [node1, node2] = topology.nodes;
    assert.ok(node1 && node2);
    for (const pulse of pulses) pulse.announce([linkAddress(vip4, ['node1', 'node2'])]);
    await until('node1 owns', () => ownerOf(pulses, vip4)?.node === node1);
    node1.host.freeze();
    await until('node2 owns', () => pulses[1]?.owned.has(vip4));
    // This request waits in the frozen node's socket.
    assert.equal(resolve(topology.neighbour, vip4), macOf(node2.host));
    using capture = captureFrames(topology.lan, 0x0806);
    node1.host.thaw();
    await until('node1 has given up', () => pulses[0]?.owned.has(vip4) === false);
    await sleep(50);
    const early = capture.frames.filter(({ from, bytes }) => {
      const arp = readArp(bytes);
      return (
        from === 'node1' &&
        !('error' in arp) &&
        arp.operation === 'reply' &&
        formatAddress(arp.senderIp) === vip4
      );
    });
    assert.equal(early.length, 0);
    assert.equal(resolve(topology.neighbour, vip4), macOf(node2.host));
  });

  test('heartbeats under another key, replayed or garbled keep nobody alive', async () => {
    await using it = await scene(2);
    const { pulses, topology } = it;
    const [node1, node2] = topology.nodes;
    assert.ok(node1 && node2);
    for (const pulse of pulses) pulse.announce([linkAddress(vip4, ['node1', 'node2'])]);
    await until('node1 owns', () => ownerOf(pulses, vip4)?.node === node1);
    using capture = captureFrames(topology.lan, 0x0800);
    const isHeartbeat = (bytes: Uint8Array): boolean =>
      bytes[23] === 17 && bytes[36] === 0x1f && bytes[37] === 0x0b;
    const sample = await capture.waitFor(({ from, bytes }) => from === 'node1' && isHeartbeat(bytes), 2000);
    node1.host.powerOff();
    const payload = Buffer.from(sample.bytes.slice(42)).toString('hex');
    // Recorded ones again, and some with one bit changed, from another machine.
    const sender = `const s=require('node:dgram').createSocket('udp4');const m=Buffer.from('${payload}','hex');
      let n=0;const t=setInterval(()=>{const c=Buffer.from(m);if(n%2)c[n%c.length]^=1;s.send(c,7947,'192.0.2.12');if(++n>60){clearInterval(t);s.close()}},20)`;
    const sending = topology.neighbour.spawn([process.execPath, '-e', sender]);
    await until('node2 owns all the same', () => pulses[1]?.owned.has(vip4));
    await until('the sender has ended', () => sending.exitCode === 0);
    assert.equal(pulses[1]?.members.find(({ name }) => name === 'node1')?.state, 'dead');
  });
});
