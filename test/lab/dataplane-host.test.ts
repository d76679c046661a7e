// The data plane among others in the host: SCTP without sockets, packets that fit nowhere, a Service proxy beside it,
// strangers who change its table, and what is left when it goes.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { captureFrames } from '../../lab/capture.ts';
import { until } from '../../lab/gantry.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import {
  address,
  answerer,
  type ForwardingScene,
  families,
  forwardingScene,
  gone,
  podPort,
  udpPort,
  virtual,
} from './forwarding-scene.ts';
import {
  checksum,
  decodeIp,
  encodeIp,
  hasSctpChecksum,
  type IpPacket,
  openRawLink,
  sctp,
  withChecksum,
} from './raw-packets.ts';

testInsideLab(import.meta.filename, () => {
  let scene: ForwardingScene;
  before(async () => {
    scene = await forwardingScene();
  });
  after(() => scene[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const name of Object.keys(scene.endpoints)) delete scene.endpoints[name];
    for (const key of [...scene.wanted.keys()]) await scene.remove(key);
  });
  const nft = (...words: [string, ...string[]]): string => scene.node1.host.exec(['nft', ...words]).stdout;

  for (const family of families) {
    test(`SCTP is translated to the endpoint's address and port and back, over ${family}`, async () => {
      scene.endpoints['pod-b'] = gone;
      await scene.serve(
        {
          externalTrafficPolicy: 'Local',
          ports: [{ ...udpPort, name: 'sctp', protocol: 'SCTP', port: 5060 }],
        },
        [{ name: 'sctp', protocol: 'SCTP', port: 36412 }],
      );
      const { client, router, nodes } = scene.topology;
      const node = nodes[0]?.host;
      assert.ok(node);
      const from = family === 'IPv4' ? '198.51.100.2' : '2001:db8:2::2';
      const pod = family === 'IPv4' ? '198.18.1.10' : '2001:db8:42:1::10';
      using atClient = openRawLink(client, 'eth0', { host: router, interfaceName: 'eth1' });
      using atPod = openRawLink(scene.pods[0].host, 'eth0', { host: node, interfaceName: 'veth0' });
      const chunk = (type: number): Uint8Array =>
        Buffer.from([type, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 9]);

      const init = sctp(40_000, 5060, 0, chunk(1));
      atClient.send({ source: from, destination: virtual[family], protocol: 132, payload: init });
      const arrived = await until('the INIT', () => atPod.received.find((one) => one.protocol === 132), 2000);
      assert.deepEqual([arrived.source, arrived.destination], [from, pod]);
      assert.equal(Buffer.from(arrived.payload).readUInt16BE(2), 36412);
      assert.ok(hasSctpChecksum(arrived.payload));

      atPod.send({
        source: pod,
        destination: from,
        protocol: 132,
        payload: sctp(36412, 40_000, 7, chunk(2)),
      });
      const back = await until(
        'the INIT ACK',
        () => atClient.received.find((one) => one.protocol === 132),
        2000,
      );
      assert.equal(back.source, virtual[family]);
      assert.equal(Buffer.from(back.payload).readUInt16BE(0), 5060);
      assert.ok(hasSctpChecksum(back.payload));
    });
  }

  for (const family of families) {
    test(`"packet too big" about a reply finds the endpoint that sent it, over ${family}`, async () => {
      for (const name of ['pod-b', 'pod-c']) scene.endpoints[name] = gone;
      await scene.serve();
      const { client, router, nodes } = scene.topology;
      const node = nodes[0]?.host;
      assert.ok(node);
      const v6 = family === 'IPv6';
      const from = v6 ? '2001:db8:2::2' : '198.51.100.2';
      using atClient = openRawLink(client, 'eth0', { host: router, interfaceName: 'eth1' });
      using atPod = openRawLink(scene.pods[0].host, 'eth0', { host: node, interfaceName: 'veth0' });
      const question = {
        source: from,
        destination: virtual[family],
        protocol: 17,
        payload: udpDatagram('who'),
      };
      atClient.send(withChecksum(question, 6));
      const reply = await until(
        'the reply',
        () => atClient.received.find((one) => one.protocol === 17),
        2000,
      );
      const error = Buffer.from(v6 ? [2, 0, 0, 0, 0, 0, 0x05, 0] : [3, 4, 0, 0, 0, 0, 0x05, 0]);
      const payload = Buffer.concat([error, encodeIp(reply)]);
      if (!v6) payload.writeUInt16BE(checksum(payload), 2);
      const tooBig = { source: v6 ? '2001:db8:2::1' : '198.51.100.1', destination: virtual[family], payload };
      atClient.send(v6 ? withChecksum({ ...tooBig, protocol: 58 }, 2) : { ...tooBig, protocol: 1 });
      const isError = ({ protocol, payload }: IpPacket): boolean =>
        (protocol === 1 && payload[0] === 3) || (protocol === 58 && payload[0] === 2);
      const arrived = await until('the ICMP error', () => atPod.received.find(isError), 2000);
      assert.equal(arrived.destination, v6 ? '2001:db8:42:1::10' : '198.18.1.10');
      assert.equal(decodeIp(arrived.payload.slice(8))?.source, arrived.destination);
    });
  }

  test('nothing for an address of ours leaves the node again: it is answered or dropped', async () => {
    await scene.serve();
    const { neighbour, nodes, lan } = scene.topology;
    const node = nodes[0]?.host;
    assert.ok(node);
    using capture = captureFrames(lan);
    using raw = openRawLink(neighbour, 'eth0', { host: node, interfaceName: 'eth0' });
    const both = (protocol: number, payload: Uint8Array): IpPacket[] =>
      [['192.0.2.100', virtual.IPv4] as const, ['2001:db8:1::100', virtual.IPv6] as const].map(
        ([source, destination]) => ({ source, destination, protocol, payload }),
      );
    const stray = [
      ...both(47, Buffer.alloc(12)),
      ...both(17, Buffer.from([0x80, 0, 0, 99, 0, 8, 0, 0])),
      ...both(132, sctp(1, 99, 0, Buffer.from([1, 0, 0, 4]))),
      // TCP: a connection to no port of ours; an acknowledgement and a reset of nothing; flags that cannot be.
      ...both(6, tcpHeader(81, 0x02)),
      ...[0x10, 0x04, 0x29].flatMap((flags) => both(6, tcpHeader(80, flags))),
      // A timestamp request; a solicitation of the address itself, and an advertisement to it.
      {
        source: '192.0.2.100',
        destination: virtual.IPv4,
        protocol: 1,
        payload: Buffer.from([13, 0, 242, 255]),
      },
      ...[135, 136].flatMap((type) => both(58, neighbourMessage(type)).slice(1)),
    ].map((packet) =>
      packet.protocol === 6
        ? withChecksum(packet, 16)
        : packet.protocol === 58
          ? withChecksum(packet, 2)
          : packet,
    );
    for (const packet of stray) raw.send(packet);
    await sleep(300);
    const sent = capture.frames
      .filter(({ from }) => from === 'node1')
      .flatMap((frame) => decodeIp(frame.bytes.subarray(14)) ?? []);
    assert.deepEqual(
      sent.filter(({ destination }) => Object.values(virtual).includes(destination)),
      [],
    );
    const toAsker = sent.filter(
      ({ protocol, destination }) => protocol === 58 && destination === '2001:db8:1::100',
    );
    // Destination unreachable (1) about other packets; no redirect (137), and nothing about a solicitation.
    for (const { payload } of toAsker) {
      assert.notEqual(payload[0], 137);
      if (payload[0] === 1) assert.notEqual(decodeIp(payload.slice(8))?.protocol, 58);
    }
    assert.ok(
      sent.some(({ protocol }) => protocol === 6),
      'no reset was sent',
    );
  });

  test("a Service on the node's own address takes its ports alone: the node answers for the others", async () => {
    const addresses = [address('192.0.2.11'), address('2001:db8:1::11')];
    await scene.serve({ allocated: { addresses, pool: undefined } });
    for (const own of ['192.0.2.11', '2001:db8:1::11']) {
      assert.match(await scene.client.ask('tcp', own, 80), /^pod-/);
      assert.equal(answerer(await scene.client.ask('tcp', own, podPort)), 'node1');
      assert.equal(await scene.client.ask('tcp', own, 81), '! ECONNREFUSED');
      assert.equal(scene.client.host.exec(['ping', '-c', '1', '-W', '1', own], { mayFail: true }).code, 0);
    }
  });

  test('beside a Service proxy each serves its own, and what both want is ours', async () => {
    await scene.serve();
    const proxy = `table ip kube-proxy {
      chain services {
        ip daddr 192.0.2.11 tcp dport 30080 meta mark set mark or 0x4000 dnat to 198.18.1.11:${podPort}
        ip daddr 198.18.250.1 tcp dport 80 meta mark set mark or 0x4000 dnat to 198.18.1.11:${podPort}
        ip daddr ${virtual.IPv4} tcp dport { 80, 8000 } meta mark set mark or 0x4000 dnat to 198.18.1.11:${podPort}
      }
      chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
      chain nat-output { type nat hook output priority -100; jump services; }
      chain nat-postrouting {
        type nat hook postrouting priority srcnat;
        meta mark & 0x4000 == 0x4000 meta mark set mark and 0xffffbfff masquerade fully-random
      }
    }`;
    nft(proxy);
    assert.equal(answerer(await scene.client.ask('tcp', '192.0.2.11', 30080)), 'pod-b');
    assert.equal(answerer(await scene.node1.ask('tcp', '198.18.250.1', 80)), 'pod-b');
    assert.equal(answerer(await scene.pods[0].ask('tcp', '198.18.250.1', 80)), 'pod-b');
    const names = await scene.client.askMany(30, 'tcp', virtual.IPv4, 80);
    assert.deepEqual([...names].sort(), ['pod-a', 'pod-b', 'pod-c']);
    // A port that only the proxy knows is not refused by us.
    assert.equal(answerer(await scene.client.ask('tcp', virtual.IPv4, 8000)), 'pod-b');
    nft('delete table ip kube-proxy');
  });

  test('who flushes or changes the table is noticed, and the table is as before', async () => {
    await scene.serve({ externalTrafficPolicy: 'Local', affinityTimeoutSeconds: 60 });
    await lookedAt('quick');
    assert.deepEqual(await lookedAt('quick'), [false, 0]);
    nft('add table inet strangers');
    assert.deepEqual(await lookedAt('quick'), [true, 0]);

    for (const [damage, depth] of [
      ['flush ruleset', 'quick'],
      ['delete table inet gantry', 'quick'],
      ['delete table inet gantry; add table inet gantry', 'quick'],
      ['flush chain inet gantry outside4', 'quick'],
      ['add rule inet gantry discard accept', 'quick'],
      ['flush map inet gantry contents6', 'quick'],
      ['flush map inet gantry outside4-endpoints', 'full'],
      [`delete element inet gantry local4 { ${virtual.IPv4} . tcp . 80 }`, 'full'],
    ] as const) {
      nft(damage);
      const [, repaired] = await lookedAt(depth);
      assert.ok(repaired > 0, damage);
      for (const family of families)
        assert.match(await scene.client.ask('tcp', virtual[family], 80), /^pod-[ab] /, damage);
      assert.deepEqual(await lookedAt('full'), [true, 0]);
    }
  });
  const lookedAt = async (depth: 'quick' | 'full'): Promise<[boolean, number]> => {
    const { read, repaired } = await scene.dataPlane.audit(depth);
    return [read, repaired];
  };

  test('a change after a stranger took the table away puts all of it back', async () => {
    await scene.serve();
    nft('delete table inet gantry');
    scene.endpoints['pod-b'] = gone;
    await scene.serve();
    const names = await scene.client.askMany(30, 'tcp', virtual.IPv4, 80);
    assert.deepEqual([...names].sort(), ['pod-a', 'pod-c']);
  });

  test('cleanup leaves nothing behind, and what comes next begins anew', async () => {
    await scene.serve({ affinityTimeoutSeconds: 60 });
    await scene.dataPlane.cleanup();
    assert.equal(nft('list ruleset'), '');
    await scene.dataPlane.cleanup();
    assert.equal((await scene.dataPlane.adopt()).found, 'nothing');
    await scene.dataPlane.sync(scene.wanted, 'everything');
    assert.match(await scene.client.ask('tcp', virtual.IPv4, 80), /^pod-/);
  });
});

function udpDatagram(text: string): Uint8Array {
  const datagram = Buffer.concat([Buffer.alloc(8), Buffer.from(text)]);
  datagram.writeUInt16BE(40_001, 0);
  datagram.writeUInt16BE(53, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  return datagram;
}

function tcpHeader(port: number, flags: number): Uint8Array {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(50_000, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt32BE(1, 4);
  header[12] = 0x50;
  header[13] = flags;
  return header;
}

/** A neighbour solicitation or advertisement about the IPv6 address (RFC 4861 §4.3). */
const neighbourMessage = (type: number): Uint8Array =>
  Buffer.concat([
    Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from('20010db8000100000000000000000200', 'hex'),
  ]);
