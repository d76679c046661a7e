// The client of the Kubernetes API against a real API server: it keeps the contract that the fake keeps. The tests run
// on the control plane's own host, since the client makes its connections itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { startControlPlane } from '../../lab/control-plane/control-plane.ts';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { addControlMachine, standardTopology } from '../../lab/topology.ts';
import { findAccess } from '../../src/kubernetes/access/find-access.ts';
import { apiServerContract } from '../../src/kubernetes/api-server-contract.ts';
import { createApiClient } from '../../src/kubernetes/client.ts';

const variable = 'GANTRY_TEST_KUBECONFIG';
const kubeconfig = process.env[variable];

if (kubeconfig === undefined) testInsideLab(import.meta.filename, defineOutside);
else
  apiServerContract('the real one', async () => {
    const access = await findAccess({ kubeconfig, who: 'daemon' });
    assert.ok(access.ok);
    const client = createApiClient({ access: access.value });
    return {
      client,
      async [Symbol.asyncDispose]() {
        client[Symbol.dispose]();
      },
    };
  });

function defineOutside(): void {
  test('the contract of API servers is kept by a real one', async () => {
    await using lab = await createLab();
    const machine = addControlMachine(lab, standardTopology(lab, 1));
    await using cluster = await startControlPlane(lab, machine, {
      controllers: ['namespace-controller', 'garbage-collector-controller'],
    });
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(
      'nsenter',
      [`--net=${machine.host.namespace}`, '--', process.execPath, import.meta.filename],
      { encoding: 'utf8', env: { ...env, [variable]: cluster.kubeconfig }, timeout: 200_000 },
    );
    assert.equal(status, 0, `${stdout}${stderr}`);
    assert.match(stdout, /pass [1-9]/);
  });
}
