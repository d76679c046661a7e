// What must outlive changes and what must not: affinity, UDP flows, TCP connections, restarts.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testInsideLab } from '../../lab/rerun.ts';
import {
  answerer,
  type ForwardingScene,
  families,
  forwardingScene,
  gone,
  leaving,
  seen,
  serviceKey,
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
    for (const key of [...scene.wanted.keys()]) await scene.remove(key);
  });

  for (const family of families) {
    for (const [protocol, port] of [
      ['tcp', 80],
      ['udp', 53],
    ] as const) {
      test(`a client stays where it was by ${protocol} over ${family}: over changes, restarts, until it goes`, async () => {
        const affinity = { affinityTimeoutSeconds: 60 };
        await scene.serve(affinity);
        const [kept = ''] = await scene.client.askMany(12, protocol, virtual[family], port);
        const askAgain = () => scene.client.askMany(6, protocol, virtual[family], port);
        assert.deepEqual(await askAgain(), new Set([kept]));

        const [another = ''] = ['pod-a', 'pod-b', 'pod-c'].filter((name) => name !== kept);
        scene.endpoints[another] = gone;
        await scene.serve(affinity);
        assert.deepEqual(await askAgain(), new Set([kept]));
        await scene.restart();
        assert.deepEqual(await askAgain(), new Set([kept]));

        delete scene.endpoints[another];
        scene.endpoints[kept] = gone;
        await scene.serve(affinity);
        const moved = await askAgain();
        assert.equal(moved.size, 1);
        assert.ok(!moved.has(kept) && !moved.has('!'), [...moved].join());
        // The old endpoint's return does not bring the client back.
        delete scene.endpoints[kept];
        await scene.serve(affinity);
        assert.deepEqual(await askAgain(), moved);
      });
    }
  }

  test('the time of an affinity starts anew with each connection, and then it ends', async () => {
    await scene.serve({ affinityTimeoutSeconds: 2 });
    const [kept = ''] = await scene.client.askMany(1, 'tcp', virtual.IPv4, 80);
    for (let asked = 0; asked < 4; asked++) {
      await sleep(1000);
      assert.equal(answerer(await scene.client.ask('tcp', virtual.IPv4, 80)), kept);
    }
    const later = new Set<string>();
    for (let asked = 0; asked < 12 && later.size < 2; asked++) {
      await sleep(2100);
      later.add(answerer(await scene.client.ask('tcp', virtual.IPv4, 80)));
    }
    assert.ok(later.size > 1, `always ${[...later]}`);
  });

  for (const family of families) {
    test(`a client of another node's endpoint goes to one here when its Service becomes Local, over ${family}`, async () => {
      for (const name of ['pod-a', 'pod-b']) scene.endpoints[name] = gone;
      await scene.serve({ affinityTimeoutSeconds: 60 });
      assert.equal(answerer(await scene.client.ask('tcp', virtual[family], 80)), 'pod-c');
      for (const name of ['pod-a', 'pod-b']) delete scene.endpoints[name];
      await scene.serve({ affinityTimeoutSeconds: 60, externalTrafficPolicy: 'Local' });
      assert.match(await scene.client.ask('tcp', virtual[family], 80), /^pod-[ab] /);
    });
  }

  test('an affinity is shared by all addresses of its port in a family', async () => {
    scene.topology.router.ip('route add 192.0.2.201 via 192.0.2.11');
    const second = { family: 'IPv4' as const, value: 0xc00002c9n };
    const addresses = [{ family: 'IPv4' as const, value: 0xc00002c8n }, second];
    await scene.serve({ affinityTimeoutSeconds: 60, allocated: { addresses, pool: undefined } });
    const names = await scene.client.askMany(6, 'tcp', '192.0.2.200', 80);
    for (const name of await scene.client.askMany(6, 'tcp', '192.0.2.201', 80)) names.add(name);
    assert.equal(names.size, 1);
  });

  for (const family of families) {
    test(`a UDP flow moves on when its endpoint stops serving, over ${family}`, async () => {
      await scene.serve();
      const ask = () => scene.client.ask('udp', virtual[family], 53, `moves-${family}`);
      const first = answerer(await ask());
      assert.equal(answerer(await ask()), first);
      scene.endpoints[first] = leaving;
      await scene.serve();
      assert.equal(answerer(await ask()), first, 'it still serves');
      scene.endpoints[first] = gone;
      const { flowsEnded } = await scene.serve();
      assert.ok(flowsEnded >= 1);
      const second = answerer(await ask());
      assert.match(second, /^pod-/);
      assert.notEqual(second, first);
    });

    test(`UDP flows come back after a scale to zero and after a Service was deleted, over ${family}`, async () => {
      await scene.serve();
      const ask = () => scene.client.ask('udp', virtual[family], 53, `returns-${family}`);
      assert.match(await ask(), /^pod-/);
      for (const name of ['pod-a', 'pod-b', 'pod-c']) scene.endpoints[name] = gone;
      await scene.serve();
      assert.match(await ask(), /^!/);
      delete scene.endpoints['pod-b'];
      await scene.serve();
      assert.match(await ask(), /^(pod-b|! ECONNREFUSED)/);
      assert.match(await ask(), /^pod-b/);
      await scene.remove(serviceKey);
      await ask();
      await scene.serve();
      // A refusal that came late may be read first.
      const answers = [await ask(), await ask()];
      assert.ok(
        answers.some((answer) => answer.startsWith('pod-b')),
        answers.join(),
      );
    });
  }

  test('a client that sent before its Service was there is served when it comes', async () => {
    const ask = () => scene.client.ask('udp', virtual.IPv4, 53, 'early');
    // Nobody has the address: the node sends it back to the router, and conntrack remembers that it left it alone.
    for (let tries = 0; tries < 3; tries++) assert.match(await ask(), /^!/);
    await scene.serve();
    const answers = [await ask(), await ask()];
    assert.ok(
      answers.some((answer) => answer.startsWith('pod-')),
      answers.join(),
    );
  });

  test('TCP connections live through changes, restarts, and the end of their endpoint', async () => {
    await scene.serve({ externalTrafficPolicy: 'Local' });
    const connections = families.map((family) => {
      return () => scene.client.ask('tcp', virtual[family], 80, `lives-${family}`);
    });
    const [first4, first6] = await Promise.all(connections.map(async (ask) => answerer(await ask())));
    const stillThere = async (): Promise<void> => {
      const [now4, now6] = await Promise.all(connections.map(async (ask) => answerer(await ask())));
      assert.deepEqual([now4, now6], [first4, first6]);
    };
    await stillThere();
    scene.endpoints['pod-c'] = gone;
    await scene.serve({ externalTrafficPolicy: 'Local' });
    await stillThere();
    await scene.restart();
    await stillThere();
    for (const name of ['pod-a', 'pod-b']) scene.endpoints[name] = gone;
    await scene.serve({ externalTrafficPolicy: 'Local' });
    await stillThere();
    await scene.remove(serviceKey);
    await stillThere();
    await scene.audit();
    await stillThere();
  });

  test('a restart changes nothing in the kernel when nothing changed', async () => {
    await scene.serve({ affinityTimeoutSeconds: 30, externalTrafficPolicy: 'Local' });
    const [node1] = scene.topology.nodes;
    const list = (): string | undefined =>
      node1?.host.exec(['nft', 'list', 'table', 'inet', 'gantry']).stdout.replaceAll(/ expires \w+/g, '');
    const before = list();
    await scene.restart();
    assert.ok(list() === before, 'nft lists another table');
    const answer = await scene.client.ask('tcp', virtual.IPv4, 80);
    assert.equal(seen(answer), '198.51.100.2');
  });
});
