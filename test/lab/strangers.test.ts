// Machines that use addresses of a pool without asking: on a real link, whose owners answer by their own kernels.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../lab/gantry.ts';
import { poolManifest, serviceManifest } from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { type RunningScene, startScene } from '../../lab/running.ts';

const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] as const;

interface Report {
  readonly status: {
    readonly pools: readonly string[];
    readonly inUse: readonly { readonly address: string; readonly mac: string }[];
    readonly clear: readonly string[];
  };
}

testInsideLab(import.meta.filename, () => {
  test('addresses that a stranger has are passed over, told of with his MAC, and given when he is gone', async () => {
    await using scene = await startScene();
    const { gantry, topology } = scene;
    const { neighbour } = topology;
    const taken = ['192.0.2.200', '2001:db8:1::200'];
    neighbour.ip('address add 192.0.2.200/24 dev eth0', 'address add 2001:db8:1::200/64 dev eth0 nodad');
    const mac = /link\/ether (\S+)/.exec(neighbour.exec(['ip', 'link', 'show', 'eth0']).stdout)?.[1];
    const inUse = () => reports(scene).flatMap(({ status }) => status.inUse);
    await until('both are found', () => inUse().length === 2, 60_000);
    assert.deepEqual(new Set(inUse().map(({ address }) => address)), new Set(taken));
    assert.deepEqual(new Set(inUse().map((stranger) => stranger.mac)), new Set([mac]));

    const addresses = await scene.startWeb();
    assert.deepEqual(addresses, ['192.0.2.201', '2001:db8:1::201']);
    gantry.write(
      'asks',
      serviceManifest('shop', 'asks', ports, {
        loadBalancerIP: '192.0.2.200',
        ipFamilyPolicy: 'SingleStack',
        ipFamilies: ['IPv4'],
      }),
    );
    const ask = (...args: string[]): string =>
      topology.client.exec(gantryCommand(...args, '--folder', gantry.folder), { mayFail: true }).stdout;
    await until('why names him', () => ask('why', 'asks').includes(`${mac}`), 20_000);
    assert.match(ask('status'), new RegExp(`192\\.0\\.2\\.200 is used by ${mac}`));
    assert.match(scene.log('controller'), new RegExp(`192\\.0\\.2\\.200.*${mac}`));

    neighbour.ip('address del 192.0.2.200/24 dev eth0', 'address del 2001:db8:1::200/64 dev eth0');
    await until('it is given when he is gone', () => gantry.addresses('shop', 'asks').length === 1, 150_000);
    assert.deepEqual(scene.gantry.addresses('shop', 'web'), addresses, 'and nobody has to move');
  });

  test('a pool may wait for the probe, be probed in the background or not at all, and that may change', async () => {
    await using scene = await startScene();
    const { gantry } = scene;
    const pool = (probe: string) => {
      const manifest = poolManifest('lan', ['192.0.2.210-192.0.2.219']);
      const annotations = { 'gantry.dev/probe': probe };
      return { ...manifest, metadata: { ...manifest.metadata, annotations } };
    };
    gantry.remove('pool');
    gantry.write('pool', pool('before'), {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'L2Advertisement',
      metadata: { name: 'lan' },
      spec: {},
    });
    const single = { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] };
    await until(
      'the nodes probe it',
      () => reports(scene).some(({ status }) => status.pools.includes('lan')),
      20_000,
    );
    gantry.write('first', serviceManifest('shop', 'first', ports, single));
    await until(
      'it is waited for',
      () => /probe-pending|has been probed yet/.test(status(scene, 'first')),
      20_000,
    );
    await until('it has a clear one', () => gantry.addresses('shop', 'first').length === 1, 30_000);
    const clear = reports(scene).flatMap((report) => report.status.clear);
    assert.ok(clear.length > 0);

    gantry.write('pool', pool('sometimes'));
    const problem = (): string =>
      scene.topology.client.exec(gantryCommand('validate', gantry.folder), { mayFail: true }).stdout;
    assert.match(problem(), /gantry\.dev\/probe.*sometimes.*one of off, background, before/);
    gantry.write('pool', pool('off'));
    await until(
      'nobody probes it',
      () => reports(scene).every(({ status }) => status.pools.length === 0),
      20_000,
    );
    gantry.write('second', serviceManifest('shop', 'second', ports, single));
    await until('nothing is waited for', () => gantry.addresses('shop', 'second').length === 1);
  });
});

const reports = ({ gantry, topology }: RunningScene): Report[] =>
  topology.nodes.flatMap(({ name }) => {
    const report = gantry.status(`addressprobes/${name}.json`);
    return report === undefined ? [] : (report as Report); // as the agents write it
  });

const status = ({ gantry }: RunningScene, name: string): string =>
  JSON.stringify(gantry.status(`services/shop/${name}.json`) ?? '');
