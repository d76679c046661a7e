// Bad input while Gantry runs: it is named, and everything else goes on working.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiPorts } from '../../lab/demo/scene.ts';
import { until } from '../../lab/gantry.ts';
import { serviceManifest } from '../../lab/manifests.ts';
import { gantryCommand } from '../../lab/program.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { startScene } from '../../lab/running.ts';

interface Case {
  readonly name: string;
  readonly text: string;
  /** What `gantry validate` must say of it. */
  readonly says: RegExp;
}

const pool = (name: string, addresses: string): string =>
  `{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: ${name}}, spec: {addresses: [${addresses}]}}\n`;
const service = (metadata: string, spec: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {${metadata}}, spec: {type: LoadBalancer, ${spec}}}\n`;
const port80 = 'ports: [{port: 80}]';

const cases: readonly Case[] = [
  { name: 'broken', text: 'apiVersion: v1\nkind: [Service\n', says: /broken\.yaml:\d+/ },
  {
    name: 'types',
    text: service('name: types', 'ports: [{port: eighty}]'),
    says: /types.*spec\.ports\[0\]\.port.*eighty/,
  },
  { name: 'kind', text: 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n', says: /kind\.yaml.*kind/ },
  {
    name: 'field',
    text: service('name: field', `${port80}, loadBalancerIp: 192.0.2.1`),
    says: /loadBalancerIp.*loadBalancerIP/,
  },
  { name: 'overlap', text: pool('overlap', '192.0.2.240-192.0.2.255'), says: /overlap.*lan|lan.*overlap/ },
  {
    name: 'reversed',
    text: pool('reversed', '198.18.9.9-198.18.9.1'),
    says: /reversed.*spec\.addresses\[0\]/,
  },
  {
    name: 'twice',
    text: service('name: twice', 'ports: [{name: a, port: 80}, {name: b, port: 80}]'),
    says: /spec\.ports\[1\]\.port.*80.*twice/,
  },
  { name: 'traversal', text: service('name: ../../x', port80), says: /\.\.\/\.\.\/x/ },
  { name: 'shell', text: service("name: '$(reboot); drop'", port80), says: /reboot/ },
  {
    name: 'duplicate',
    text: service('namespace: shop, name: web', port80),
    says: /duplicate\.yaml.*shop-web\.json|shop-web\.json.*duplicate\.yaml/s,
  },
];

testInsideLab(import.meta.filename, () => {
  test('each is named with its field, and a good Service beside them all works on and a new one comes', {
    timeout: 120_000,
  }, async () => {
    await using scene = await startScene();
    const { gantry, topology } = scene;
    const addresses = await scene.startWeb();
    for (const { name, text } of cases) writeFileSync(join(gantry.folder, `${name}.yaml`), text);
    writeFileSync(join(gantry.folder, 'huge.yaml'), `# ${'x'.repeat(50 << 20)}\n`);
    mkdirSync(join(gantry.folder, 'loop'));
    symlinkSync('..', join(gantry.folder, 'loop', 'up'));
    const manyPorts = Array.from({ length: 1000 }, (_, index) => ({
      name: `p${index}`,
      protocol: 'TCP' as const,
      port: 1000 + index,
      targetPort: 8080,
    }));
    gantry.write('many', serviceManifest('shop', 'many', manyPorts));
    writeFileSync(
      join(gantry.folder, 'elsewhere.yaml'),
      service("name: elsewhere, annotations: {metallb.io/loadBalancerIPs: '203.0.113.5'}", port80),
    );
    await sleep(1000);

    const validated = topology.neighbour.exec(gantryCommand('validate', gantry.folder), { mayFail: true });
    assert.equal(validated.code, 1);
    for (const { name, says } of cases) assert.match(validated.stdout, says, name);
    assert.match(validated.stdout, /huge\.yaml/);

    for (const address of addresses) assert.ok(scene.ask(address), `${address} answers on`);
    assert.equal(gantry.addresses('shop', 'many').length, 2);
    assert.deepEqual(gantry.addresses('default', 'elsewhere'), []);
    const why = topology.neighbour.exec(gantryCommand('why', 'elsewhere', '--folder', gantry.folder), {
      mayFail: true,
    });
    assert.equal(why.code, 1);
    assert.match(why.stdout, /203\.0\.113\.5/);
    gantry.writeService('shop', 'api', apiPorts, scene.api);
    const [address = ''] = await until('the new Service has addresses', () => {
      const found = gantry.addresses('shop', 'api');
      return found.length === 2 && found;
    });
    await until('the new Service answers', () => scene.ask(address));

    // A good file that breaks keeps what it had; removing all the bad ones leaves a clean folder.
    writeFileSync(join(gantry.folder, 'shop-web.json'), '{"apiVersion": "v1", "kind": "List", "items": [');
    await sleep(1000);
    for (const one of addresses) assert.ok(scene.ask(one), `${one} answers on`);
    gantry.writeService(
      'shop',
      'web',
      [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
      scene.web,
    );
    for (const name of [...cases.map((one) => `${one.name}.yaml`), 'huge.yaml', 'loop']) {
      rmSync(join(gantry.folder, name), { recursive: true });
    }
    await until('the folder is clean', () => {
      const again = topology.neighbour.exec(gantryCommand('validate', gantry.folder), { mayFail: true });
      return again.code === 0;
    });
    assert.deepEqual(gantry.addresses('shop', 'web'), addresses);
  });
});
