// The rights that deploy/ gives suffice for what programs ask of a real API server, and none is there for nothing.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../../lab/control-plane/control-plane.ts';
import { missingRights, unusedRights } from '../../lab/control-plane/rights.ts';
import { accountOf, type Program } from '../../lab/deployment.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { namespaceManifest, nodeManifest, poolManifest, serviceManifest } from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { addControlMachine, standardTopology } from '../../lab/topology.ts';

/** For what nothing asks in this test: what is to come, and what only a race makes necessary. */
const unusedHere: Readonly<Record<Exclude<Program, 'pulse'>, readonly RegExp[]>> = {
  controller: [
    // A Service that changed while its status was written is read again.
    /^get services$/,
    /leases/,
    /secrets/,
    /validatingwebhookconfigurations|customresourcedefinitions/,
  ],
  agent: [/servicebgpstatuses/],
};

interface GivenService {
  readonly status: { readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] } };
}

interface Started {
  readonly child: ChildProcess;
  /** Rejects where it ends otherwise than well. */
  readonly ended: Promise<void>;
}

const web = serviceManifest('shop', 'web', [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }], {
  ipFamilyPolicy: 'SingleStack',
  ipFamilies: ['IPv4'],
});

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let cluster: ControlPlane;

  before(async () => {
    lab = await createLab();
    const machine = addControlMachine(lab, standardTopology(lab, 1));
    cluster = await startControlPlane(lab, machine, {
      controllers: [],
      isAudited: true,
      // As older ones: kinds are listed, then watched, which takes both rights.
      apiServerArguments: ['--feature-gates=WatchList=false'],
    });
    await cluster.kubectl('apply', '--server-side', '-k', join(import.meta.dirname, '../../deploy'));
    const pool = poolManifest('lan', ['192.0.2.200-192.0.2.209']);
    await cluster.apply(namespaceManifest('shop'), nodeManifest('node1', ['192.0.2.11'], []), {
      ...pool,
      metadata: { ...pool.metadata, namespace: 'gantry-system' },
    });
  });

  after(async () => {
    await cluster?.stop();
    await lab?.[Symbol.asyncDispose]();
  });

  /** Starts it with the account that the pods of this program have, as deploy/ has bound it. */
  const start = async (program: Program): Promise<Started> => {
    const { namespace, name } = accountOf(program);
    const { kubeconfig } = await cluster.account({ namespace, name });
    const ports = join(import.meta.dirname, 'api-ports.ts');
    const child = cluster.host.spawn([process.execPath, ports, program, kubeconfig, namespace], {
      log: program,
    });
    return {
      child,
      ended: once(child, 'exit').then(([code]) => {
        assert.equal(code, 0, readFileSync(cluster.host.logPath(program), 'utf8'));
      }),
    };
  };

  /** Waits until the program has used all that it is to use, then has it end. */
  const judge = async (program: keyof typeof unusedHere, { child, ended }: Started): Promise<void> => {
    const rights = accountOf(program);
    const expected = (right: string): boolean => unusedHere[program].some((pattern) => pattern.test(right));
    const unused = (): string[] => unusedRights(rights, cluster.requests());
    const deadline = performance.now() + 30_000;
    while (!unused().every(expected) && performance.now() < deadline) await sleep(50);
    child.kill('SIGTERM');
    await ended;
    assert.deepEqual(
      unused().filter((right) => !expected(right)),
      [],
    );
    assert.deepEqual(missingRights(rights, cluster.requests()), []);
  };

  const isGivenAddress = async (): Promise<boolean> => {
    const found = await cluster.find<GivenService>(web);
    return found?.status.loadBalancer.ingress?.[0]?.ip === '192.0.2.200';
  };

  test("the controller's suffice to give an address, and each is used", async () => {
    const controller = await start('controller');
    await cluster.apply(web);
    await until('the Service has an address', isGivenAddress, 30_000);
    await judge('controller', controller);
  });

  test("an agent's suffice to follow the cluster and to report, and each is used", async () => {
    await cluster.apply(web);
    await judge('agent', await start('agent'));
  });
});
