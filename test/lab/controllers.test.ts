// Several controllers on a real API, stopped in the middle of their work, killed, and woken when another has taken over; the
// API server killed under them and its history forgotten, their Lease
// stolen, their clocks set.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LabCluster, shop, startLabCluster } from '../../lab/cluster.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { poolManifest, serviceManifest } from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { createStatusChecker, type StatusChecker, type WatchedService } from '../../lab/status-checker.ts';
import { standardTopology } from '../../lab/topology.ts';
import { createWallClock, type WallClock } from '../../lab/wall-clock.ts';
import { seeded } from '../../src/collections/seeded.ts';

const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;
const names = ['one', 'two', 'three'] as const;
const seed = Number(process.env['GANTRY_SEED'] ?? 1);
/** More than a Lease is good for. */
const sleepMilliseconds = 3000;
const rounds = Number(process.env['GANTRY_SOAK_ROUNDS'] ?? 7);

/** What befalls a round, each as often as it is here. */
const faults = ['sleep', 'sleep', 'death', 'server', 'theft', 'clock'] as const;

interface ServiceList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly WatchedService[];
}

/** Addresses that every version of the pool has, and those that come and go. */
const always = '198.51.100.100-198.51.100.119';
const sometimes = '198.51.100.120-198.51.100.139';
/** Also where the test fails: a watch that is left makes it hang. */
function abortAtTheEnd(): AbortController & Disposable {
  const end = new AbortController();
  return Object.assign(end, { [Symbol.dispose]: () => end.abort() });
}

const pool = Array.from({ length: 20 }, (_, index) => `198.51.100.${100 + index}`);
const isStable = (address: string): boolean => pool.includes(address);

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let cluster: LabCluster;
  const running = new Map<string, ChildProcess>();
  let clock: WallClock;
  /** All by a clock of their own, which jumps for all at once, or back. */
  const start = (name: string): void =>
    void running.set(name, cluster.startController(name, clock.environment));

  before(async () => {
    lab = await createLab();
    clock = createWallClock(join(lab.directory, 'clock'));
    cluster = await startLabCluster(lab, standardTopology(lab, 1), { controllers: [] });
    await setPool([always]);
    for (const name of names) start(name);
    await until('one of them works', holder, 20_000);
  });
  after(() => lab?.[Symbol.asyncDispose]());

  const setPool = (addresses: readonly string[]): Promise<void> => {
    const pool = poolManifest('lan', addresses);
    return cluster.controlPlane.apply({
      ...pool,
      metadata: { ...pool.metadata, namespace: 'gantry-system' },
    });
  };

  let isServerAway = false;

  const bounceServer = async (forgets: boolean, downMilliseconds: number): Promise<void> => {
    const { apiServer } = cluster.controlPlane;
    isServerAway = true;
    await apiServer.kill();
    if (forgets) await cluster.controlPlane.compact();
    await sleep(downMilliseconds);
    apiServer.start();
    await cluster.controlPlane.ready();
    isServerAway = false;
  };

  const holder = async (): Promise<string | undefined> => {
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: 'gantry-system', name: 'gantry-controller' },
    };
    const found = await cluster.controlPlane
      .find<{ spec: { holderIdentity: string } }>(lease)
      .catch(() => undefined); // a server that has just started says no to this and that
    return found?.spec.holderIdentity || undefined;
  };

  const path = `/api/v1/namespaces/${shop}/services`;

  /** Without a gap, unless the server has forgotten what was between. */
  const follow = async (checker: StatusChecker, signal: AbortSignal): Promise<void> => {
    const { api } = cluster.controlPlane;
    let from: string | undefined;
    while (!signal.aborted) {
      try {
        if (from === undefined) {
          const list = await api.call<ServiceList>('GET', path);
          checker.takeAll(list.items);
          from = list.metadata.resourceVersion;
        }
        for await (const event of api.watch<WatchedService>(path, { resourceVersion: from, signal })) {
          checker.take(event);
          if (event.type === 'ERROR') from = undefined;
          else from = (event.object.metadata as { resourceVersion?: string }).resourceVersion ?? from;
        }
      } catch {
        // The server is away: that is what the test is about.
        await sleep(50);
      }
    }
  };

  /** The Lease is another's, who is no controller and does not renew it. */
  const steal = async (): Promise<void> => {
    const { api } = cluster.controlPlane;
    const lease = '/apis/coordination.k8s.io/v1/namespaces/gantry-system/leases/gantry-controller';
    const patch = {
      spec: { holderIdentity: 'thief', renewTime: new Date().toISOString().replace('Z', '000Z') },
    };
    await api.call('PATCH', lease, patch, 'application/merge-patch+json');
  };

  test('no address is given twice and none is changed, whichever controller sleeps, wakes or dies at whichever point, whatever becomes of the API', {
    timeout: 60_000 + rounds * 15_000,
  }, async () => {
    const random = seeded(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // never empty here
    const checker = createStatusChecker(isStable);
    using end = abortAtTheEnd();
    const following = follow(checker, end.signal);
    const service = (number: number, ip?: string) =>
      serviceManifest(shop, `s${number}`, ports, {
        ipFamilyPolicy: 'SingleStack',
        ipFamilies: ['IPv4'],
        ...(ip !== undefined && { loadBalancerIP: ip }),
      });
    let isOver = false;

    const change = async (): Promise<void> => {
      const number = Math.floor(random() * 36);
      const what = random();
      if (what < 0.55) await cluster.controlPlane.apply(service(number));
      else if (what < 0.6)
        await cluster.controlPlane.apply(service(number, `198.51.100.${100 + Math.floor(random() * 40)}`));
      else if (what < 0.95)
        await cluster.controlPlane.remove(service(number)).catch((error: Error) => {
          if (!/not found/i.test(error.message)) throw error;
        });
      else await setPool(random() < 0.5 ? [always] : [always, sometimes]);
    };
    const changing = (async () => {
      while (!isOver) {
        const wasAway = isServerAway;
        await change().catch((error: unknown) => {
          if (!wasAway && !isServerAway) throw error;
        });
        await sleep(random() * 20);
      }
    })();

    for (let round = 0; round < rounds; round += 1) {
      const leader = await until('somebody works', holder, 20_000);
      await sleep(200 + random() * 1500);
      const process = running.get(leader);
      switch (pick(faults)) {
        case 'server':
          await bounceServer(random() < 0.5, random() * 3000);
          break;
        case 'theft':
          await steal();
          await until(
            'the thief has it no more',
            async () => ![undefined, 'thief'].includes(await holder()),
            20_000,
          );
          break;
        case 'clock':
          clock.set(pick([0, 7200]));
          break;
        case 'death':
          process?.kill('SIGKILL');
          start(leader);
          break;
        case 'sleep': {
          process?.kill('SIGSTOP');
          // Now and then it sleeps through a change of everything.
          if (random() < 0.3) await bounceServer(true, 0);
          const isAnother = async (): Promise<boolean> => ![undefined, leader].includes(await holder());
          await until('another works', isAnother, 20_000);
          await sleep(random() * sleepMilliseconds);
          process?.kill('SIGCONT');
          break;
        }
      }
    }
    isOver = true;
    await changing;
    await setPool([always]);
    const isSettled = (): boolean =>
      checker.neglected(pool).length === 0 && [...checker.addresses.values()].flat().every(isStable);
    await until('all that can have an address have one, and no others', isSettled, 60_000);
    await sleep(2000);
    const { events } = checker;
    await sleep(1500);
    assert.ok(isSettled());
    assert.equal(checker.events, events, 'nothing is written any more');
    assert.deepEqual(checker.faults, [], `GANTRY_SEED=${seed}`);
    assert.ok(checker.changes > 5 * rounds, `${checker.changes} changes are too few to prove anything`);
    end.abort();
    await following;
    console.log(`${rounds} rounds, ${checker.changes} changes of addresses, seed ${seed}`);
  });
});
