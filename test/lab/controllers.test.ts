// Several controllers on a real API, stopped in the middle of their work, killed, and woken when another has taken over.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LabCluster, shop, startLabCluster } from '../../lab/cluster.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { poolManifest, serviceManifest } from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { createStatusChecker, type StatusChecker, type WatchedService } from '../../lab/status-checker.ts';
import { standardTopology } from '../../lab/topology.ts';
import { seeded } from '../../src/collections/seeded.ts';

const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;
const names = ['one', 'two', 'three'] as const;
const seed = Number(process.env['GANTRY_SEED'] ?? 1);
/** More than a Lease is good for. */
const sleepMilliseconds = 3000;
const rounds = Number(process.env['GANTRY_SOAK_ROUNDS'] ?? 5);

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
  const start = (name: string): void => void running.set(name, cluster.startController(name));

  before(async () => {
    lab = await createLab();
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

  const holder = async (): Promise<string | undefined> => {
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: 'gantry-system', name: 'gantry-controller' },
    };
    const found = await cluster.controlPlane.find<{ spec: { holderIdentity: string } }>(lease);
    return found?.spec.holderIdentity || undefined;
  };

  const follow = (checker: StatusChecker, signal: AbortSignal): Promise<void> =>
    (async () => {
      const path = `/api/v1/namespaces/${shop}/services`;
      for await (const event of cluster.controlPlane.api.watch<WatchedService>(path, { signal }))
        checker.take(event);
    })();

  test('no address is given twice and none is changed, whichever controller sleeps, wakes or dies at whichever point', {
    timeout: 60_000 + rounds * 15_000,
  }, async () => {
    const random = seeded(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // never empty here
    const checker = createStatusChecker(isStable);
    using end = abortAtTheEnd();
    const following = follow(checker, end.signal).catch((error: Error) => {
      if (!end.signal.aborted) throw error;
    });
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
        await change();
        await sleep(random() * 20);
      }
    })();

    for (let round = 0; round < rounds; round += 1) {
      const leader = await until('somebody works', holder, 20_000);
      await sleep(200 + random() * 1500);
      const process = running.get(leader);
      assert.ok(process?.pid !== undefined);
      if (pick(['sleep', 'sleep', 'die']) === 'die') {
        process.kill('SIGKILL');
        start(leader);
        continue;
      }
      process.kill('SIGSTOP');
      await until(
        'another works',
        async () => {
          const now = await holder();
          return now !== undefined && now !== leader;
        },
        20_000,
      );
      await sleep(random() * sleepMilliseconds);
      process.kill('SIGCONT');
    }
    isOver = true;
    await changing;
    await setPool([always]);
    const isSettled = (): boolean =>
      checker.neglected(pool).length === 0 && [...checker.addresses.values()].flat().every(isStable);
    await until('all that can have an address have one, and no others', isSettled, 60_000);
    await sleep(2000);
    const changes = checker.changes;
    await sleep(1500);
    assert.ok(isSettled());
    assert.equal(checker.changes, changes, 'nothing changes any more');
    assert.deepEqual(checker.faults, [], `GANTRY_SEED=${seed}`);
    assert.ok(checker.changes > 5 * rounds, `${checker.changes} changes are too few to prove anything`);
    end.abort();
    await following;
    console.log(`${rounds} rounds, ${checker.changes} changes of addresses, seed ${seed}`);
  });
});
