// A program for tests: all that the controller or an agent asks of an API server, with the account of a kubeconfig.
//   node test/lab/api-ports.ts controller|agent KUBECONFIG NAMESPACE
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renderNodeReport } from '../../src/api/node-report.ts';
import { configurationState, serviceL2Status } from '../../src/api/status.ts';
import { runKubernetesController } from '../../src/controller/kubernetes-controller.ts';
import { kubernetesEvents } from '../../src/controller/kubernetes-events.ts';
import { kubernetesStatus } from '../../src/controller/kubernetes-status.ts';
import { createControllerMetrics } from '../../src/controller/metrics.ts';
import { findAccess } from '../../src/kubernetes/access/find-access.ts';
import { type ApiClient, createApiClient } from '../../src/kubernetes/client.ts';
import { listObjects } from '../../src/kubernetes/list.ts';
import { createLog } from '../../src/observe/log.ts';
import { createRegistry } from '../../src/observe/metrics.ts';
import { createSourceMetrics } from '../../src/observe/source-metrics.ts';
import { agentKinds, kubernetesSource } from '../../src/sources/kubernetes.ts';

const [, , program, kubeconfig = '', namespace = ''] = process.argv;
const access = await findAccess({ kubeconfig, who: 'daemon' });
assert.ok(access.ok);
using client = createApiClient({ access: access.value });
const log = createLog({ level: 'info', component: 'test' });
const ended = new AbortController();
process.once('SIGTERM', () => ended.abort());
await (program === 'controller' ? controller(client) : agent(client));

function controller(api: ApiClient): Promise<void> {
  const registry = createRegistry();
  return runKubernetesController(
    {
      client: api,
      configurationNamespace: namespace,
      lease: { tryAcquire: async () => ({ [Symbol.dispose]: () => {} }) },
      policy: { loadBalancerClass: undefined, required: false },
      log,
      metrics: createControllerMetrics(registry),
      sourceMetrics: createSourceMetrics(registry),
    },
    ended.signal,
  );
}

/** Once through all of it: a source that becomes whole and is followed, every kind of report, and the end of one. */
async function agent(api: ApiClient): Promise<void> {
  const memberPods = { namespace, labelSelector: 'app.kubernetes.io/component=agent' };
  await using source = kubernetesSource({
    client: api,
    configurationNamespace: namespace,
    kinds: agentKinds,
    memberPods,
  });
  await source.start({ batch: () => {}, problems: () => {} });
  const status = kubernetesStatus({ client: api, configurationNamespace: namespace });
  const owned = { node: 'node1', namespace: 'shop', name: 'web', interfaces: ['eth0'], why: 'It is alone.' };
  const report = serviceL2Status(owned);
  const since = new Date(0).toISOString();
  await status.put(report);
  await status.put(configurationState({ component: 'agent', node: 'node1', problems: [], since }));
  await status.put(
    renderNodeReport({
      node: 'node1',
      version: 'test',
      updatedAt: since,
      reportIntervalSeconds: 10,
      pulse: { connected: true, members: [], announced: 0, owned: 0 },
      dataPlane: { mode: 'none', healthy: true, frontends: 0, failedCount: 0, failed: [] },
      host: [],
      unhealthyCount: 0,
      unhealthyEndpoints: [],
    }),
  );
  const resource = {
    apiVersion: report.apiVersion,
    kind: report.kind,
    plural: 'servicel2statuses',
    isNamespaced: true,
  };
  const names: unknown[] = [];
  const listed = await listObjects(api, { selection: { resource, namespace } }, (object) =>
    names.push(object.metadata.name),
  );
  assert.ok(listed.ok);
  assert.deepEqual(names, [report.metadata.name]);
  await status.remove(report.kind, '', report.metadata.name);
  await using events = kubernetesEvents({ client: api, log, component: 'gantry-agent' });
  events.record({
    kind: 'Service',
    namespace: 'shop',
    name: 'web',
    type: 'Normal',
    reason: 'nodeAssigned',
    message: 'announcing from node "node1" with protocol "layer2"',
  });
  await events.idle();
  if (!ended.signal.aborted) await once(ended.signal, 'abort');
}
