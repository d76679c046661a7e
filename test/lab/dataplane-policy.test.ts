// Where packets go: policies, source ranges, ports, and what becomes of those that nobody serves.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { testInsideLab } from '../../lab/rerun.ts';
import {
  answerer,
  cidr,
  type ForwardingScene,
  families,
  forwardingScene,
  gone,
  leaving,
  type Peer,
  podPort,
  seen,
  serviceKey,
  tcpPort,
  udpPort,
  virtual,
} from './forwarding-scene.ts';

testInsideLab(import.meta.filename, () => {
  let scene: ForwardingScene;
  before(async () => {
    scene = await forwardingScene();
  });
  after(() => scene[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const name of Object.keys(scene.endpoints)) delete scene.endpoints[name];
    scene.deadNodes.clear();
    for (const key of [...scene.wanted.keys()]) await scene.remove(key);
  });

  const clientAddress = { IPv4: '198.51.100.2', IPv6: '2001:db8:2::2' };

  /** The kernel limits how many ICMP errors it sends, so a client may have to ask again. */
  const refusal = async (peer: Peer, address: string, port: number): Promise<string> => {
    let answer = '';
    for (let tries = 0; tries < 5 && answer !== '! ECONNREFUSED'; tries++)
      answer = await peer.ask('udp', address, port);
    return answer;
  };

  for (const family of families) {
    for (const [protocol, port] of [
      ['tcp', 80],
      ['udp', 53],
    ] as const) {
      test(`Cluster reaches all endpoints by ${protocol} over ${family}, which see the node`, async () => {
        await scene.serve();
        const all = await scene.client.askMany(40, protocol, virtual[family], port);
        assert.deepEqual([...all].sort(), ['pod-a', 'pod-b', 'pod-c']);
        const answer = await scene.client.ask(protocol, virtual[family], port);
        assert.notEqual(seen(answer), clientAddress[family]);
      });

      test(`Local reaches this node's endpoints by ${protocol} over ${family}, which see the client`, async () => {
        await scene.serve({ externalTrafficPolicy: 'Local' });
        const local = await scene.client.askMany(30, protocol, virtual[family], port);
        assert.deepEqual([...local].sort(), ['pod-a', 'pod-b']);
        assert.equal(seen(await scene.client.ask(protocol, virtual[family], port)), clientAddress[family]);
        for (const inside of [scene.pods[0], scene.node1]) {
          const all = await inside.askMany(40, protocol, virtual[family], port);
          assert.deepEqual([...all].sort(), ['pod-a', 'pod-b', 'pod-c']);
        }
      });
    }

    test(`a pod reaches itself through the address over ${family}, under both policies`, async () => {
      scene.endpoints['pod-b'] = gone;
      scene.endpoints['pod-c'] = gone;
      for (const externalTrafficPolicy of ['Cluster', 'Local'] as const) {
        await scene.serve({ externalTrafficPolicy });
        assert.equal(answerer(await scene.pods[0].ask('tcp', virtual[family], 80)), 'pod-a');
        assert.equal(answerer(await scene.pods[0].ask('udp', virtual[family], 53)), 'pod-a');
      }
    });

    test(`a pod is seen as itself under Local over ${family}`, async () => {
      scene.endpoints['pod-a'] = gone;
      await scene.serve({ externalTrafficPolicy: 'Local' });
      const answer = await scene.pods[0].ask('tcp', virtual[family], 80);
      assert.match(seen(answer), family === 'IPv4' ? /^198\.18\.1\.10$/ : /^2001:db8:42:1::10$/);
    });

    test(`source ranges let in whom they name over ${family}, pods and the node included`, async () => {
      await scene.serve({ loadBalancerSourceRanges: [cidr('203.0.113.0/24'), cidr('2001:db8:ffff::/48')] });
      for (const peer of [scene.client, scene.pods[0], scene.node1])
        assert.equal(await peer.ask('tcp', virtual[family], 80), '! timeout');
      await scene.serve({
        loadBalancerSourceRanges: [`${clientAddress[family]}/${family === 'IPv4' ? 32 : 128}`].map(cidr),
      });
      assert.match(await scene.client.ask('tcp', virtual[family], 80), /^pod-/);
      assert.equal(await scene.pods[0].ask('tcp', virtual[family], 80), '! timeout');
    });

    test(`a port that no Service has is refused at once over ${family}, and ping is answered`, async () => {
      await scene.serve();
      for (const peer of [scene.client, scene.pods[0], scene.node1]) {
        assert.equal(await peer.ask('tcp', virtual[family], 81), '! ECONNREFUSED');
        assert.equal(await refusal(peer, virtual[family], 54), '! ECONNREFUSED');
        assert.equal(await refusal(peer, virtual[family], 80), '! ECONNREFUSED');
        const ping = peer.host.exec(['ping', '-c', '1', '-W', '1', virtual[family]], { mayFail: true });
        assert.equal(ping.code, 0, ping.stdout);
      }
    });

    test(`without endpoints all are refused, without local ones outside traffic is dropped, over ${family}`, async () => {
      for (const name of ['pod-a', 'pod-b']) scene.endpoints[name] = gone;
      await scene.serve({ externalTrafficPolicy: 'Local' });
      assert.equal(await scene.client.ask('tcp', virtual[family], 80), '! timeout');
      assert.equal(answerer(await scene.pods[0].ask('tcp', virtual[family], 80)), 'pod-c');
      scene.endpoints['pod-c'] = gone;
      await scene.serve({ externalTrafficPolicy: 'Local' });
      for (const peer of [scene.client, scene.pods[0], scene.node1]) {
        assert.equal(await peer.ask('tcp', virtual[family], 80), '! ECONNREFUSED');
        assert.equal(await refusal(peer, virtual[family], 53), '! ECONNREFUSED');
      }
    });
  }

  test('several ports, by their names, lead to their own target ports', async () => {
    const ports = [tcpPort, { ...tcpPort, name: 'echo', port: 7 }, udpPort];
    await scene.serve({ ports }, [
      { name: 'http', protocol: 'TCP', port: podPort },
      { name: 'echo', protocol: 'TCP', port: podPort + 1 },
    ]);
    assert.match(await scene.client.ask('tcp', virtual.IPv4, 80), /^pod-. .* who$/);
    assert.equal(await scene.client.ask('tcp', virtual.IPv4, 7), 'who');
    assert.equal(await refusal(scene.client, virtual.IPv4, 53), '! ECONNREFUSED');
  });

  test('two Services share an address by different ports', async () => {
    await scene.serve();
    await scene.serve({ key: 'default/other', name: 'other', ports: [{ ...tcpPort, port: 8000 }] });
    for (const port of [80, 8000]) assert.match(await scene.client.ask('tcp', virtual.IPv4, port), /^pod-/);
    await scene.remove('default/other');
    assert.equal(await scene.client.ask('tcp', virtual.IPv4, 8000), '! ECONNREFUSED');
    assert.match(await scene.client.ask('tcp', virtual.IPv4, 80), /^pod-/);
    await scene.remove(serviceKey);
  });

  test('terminating endpoints serve while no other does, decided for Local by itself', async () => {
    scene.endpoints['pod-a'] = leaving;
    scene.endpoints['pod-b'] = gone;
    await scene.serve({ externalTrafficPolicy: 'Local' });
    assert.deepEqual(await scene.client.askMany(10, 'tcp', virtual.IPv4, 80), new Set(['pod-a']));
    assert.deepEqual(await scene.pods[1].askMany(10, 'tcp', virtual.IPv4, 80), new Set(['pod-c']));
    scene.endpoints['pod-b'] = {};
    await scene.serve({ externalTrafficPolicy: 'Local' });
    assert.deepEqual(await scene.client.askMany(10, 'tcp', virtual.IPv4, 80), new Set(['pod-b']));
  });

  test('endpoints on a dead node leave at once, unless none would remain', async () => {
    scene.deadNodes.add('node2');
    await scene.serve();
    assert.deepEqual(await scene.client.askMany(20, 'tcp', virtual.IPv4, 80), new Set(['pod-a', 'pod-b']));
    for (const name of ['pod-a', 'pod-b']) scene.endpoints[name] = gone;
    await scene.serve();
    assert.deepEqual(await scene.client.askMany(5, 'tcp', virtual.IPv4, 80), new Set(['pod-c']));
  });
});
