// The webhook of a replica as the API server meets it: told whom to trust, answered by what is there now, let go where the
// rest cannot be read.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { kinds } from '../../api/kinds.ts';
import { isRecord, type RawObject, valueAt } from '../../api/record.ts';
import { configured, ownNamespace } from '../../api/rejections/rejection.ts';
import { validatingWebhookConfiguration } from '../../api/webhook/configuration.ts';
import { createApiClient } from '../../kubernetes/client.ts';
import { create, type ServedResource } from '../../kubernetes/fake/writes.ts';
import { type FakeApiServer, startFakeApiServer } from '../../kubernetes/fake-api-server.ts';
import { createObject, getObject } from '../../kubernetes/objects.ts';
import { namespaces, validatingWebhookConfigurations } from '../../kubernetes/resource.ts';
import { sampleAccess } from '../../kubernetes/sample-access.ts';
import { type LogFields, silentLog } from '../../observe/log.ts';
import { runWebhook } from './webhook.ts';

const resources: readonly ServedResource[] = Object.entries(kinds).map(([kind, spec]) => ({
  kind,
  apiVersion: spec.apiVersions.at(-1) ?? '',
  plural: spec.plural,
  isNamespaced: spec.namespaced,
  hasStatus: false,
}));

interface Running extends AsyncDisposable {
  readonly server: FakeApiServer;
  readonly log: readonly [event: string, fields: LogFields][];
  readonly verdicts: readonly string[];
  readonly port: number;
  /** As the API server does, with the trust that it was given. */
  ask(object: RawObject, oldObject?: RawObject): Promise<RawObject>;
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1000; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('waited in vain');
}

async function run(): Promise<Running> {
  const server = await startFakeApiServer({ resources });
  const client = createApiClient({ access: sampleAccess([server.url]) });
  await createObject(client, namespaces, { metadata: { name: ownNamespace } });
  const { apiVersion: _, kind: __, ...configuration } = validatingWebhookConfiguration(ownNamespace);
  await createObject(client, validatingWebhookConfigurations, configuration);
  const log: [string, LogFields][] = [];
  const note = (event: string, fields: LogFields = {}) => void log.push([event, fields]);
  const verdicts: string[] = [];
  const stop = new AbortController();
  const running = runWebhook(
    {
      client,
      namespace: ownNamespace,
      port: 0,
      log: { ...silentLog, info: note, warn: note },
      metrics: {
        reviewed: (kind, verdict) => void verdicts.push(`${kind} ${verdict}`),
        certificateEnds() {},
      },
    },
    stop.signal,
  );
  const port = await until(() => log.find(([event]) => event === 'webhook-listening')?.[1]['port']);
  const authority = await until(async () => {
    const found = await getObject(client, validatingWebhookConfigurations, { name: 'gantry' });
    const bundle = found.ok && valueAt(found.value, ['webhooks', 0, 'clientConfig', 'caBundle']);
    return typeof bundle === 'string' ? Buffer.from(bundle, 'base64').toString() : undefined;
  });
  return {
    server,
    log,
    verdicts,
    port: Number(port),
    ask: (object, oldObject) => ask(Number(port), authority, object, oldObject),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function ask(port: number, ca: string, object: RawObject, oldObject?: RawObject): Promise<RawObject> {
  const [group = '', version] = String(object['apiVersion']).split('/');
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: version === undefined ? { group: '', kind: object['kind'] } : { group, kind: object['kind'] },
      operation: oldObject === undefined ? 'CREATE' : 'UPDATE',
      object,
      oldObject,
    },
  });
  const servername = `gantry-webhook.${ownNamespace}.svc`;
  return new Promise((resolve, reject) => {
    const asking = request({ port, path: '/admission', method: 'POST', servername, ca }, (answer) => {
      let text = '';
      answer.on('data', (piece) => {
        text += String(piece);
      });
      answer.on('end', () => {
        const { response } = JSON.parse(text) as { readonly response?: unknown };
        resolve(isRecord(response) ? response : {});
      });
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

const peer = configured('BGPPeer', 'p', {
  myASN: 64_512,
  peerASN: 64_513,
  peerAddress: '192.0.2.1',
  bfdProfile: 'fast',
});

const put = (server: FakeApiServer, object: RawObject): void => {
  const { kind } = object;
  const served = resources.find((one) => one.kind === kind) ?? assert.fail();
  create(
    { store: server.store, resource: served, namespace: ownNamespace, manager: 'test', isDryRun: false },
    object,
  );
};

test('a change is judged by what is there when it is asked about', async () => {
  await using webhook = await run();
  const refused = await webhook.ask(peer);
  assert.equal(refused['allowed'], false);
  assert.match(String(valueAt(refused, ['status', 'message'])), /spec\.bfdProfile: "fast"/);
  put(webhook.server, configured('BFDProfile', 'fast', {}));
  const answers = await Promise.all([1, 2, 3, 4].map(() => webhook.ask(peer)));
  for (const answer of answers) assert.equal(answer['allowed'], true);
  assert.deepEqual(webhook.verdicts, ['BGPPeer denied', ...answers.map(() => 'BGPPeer allowed')]);
  const [[, told] = []] = webhook.log.filter(([event]) => event === 'change-refused');
  assert.match(String(told?.['why']), /BGPPeer gantry-system\/p: spec\.bfdProfile/);
});

test('a Service is warned of a pool that is not there, and never refused', async () => {
  await using webhook = await run();
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', annotations: { 'metallb.io/address-pool': 'lan' } },
    spec: { type: 'LoadBalancer' },
  };
  const warned = await webhook.ask(service);
  assert.equal(warned['allowed'], true);
  assert.match(JSON.stringify(warned['warnings']), /no IPAddressPool lan in force/);
  put(webhook.server, configured('IPAddressPool', 'lan', { addresses: ['192.0.2.0/24'] }));
  assert.equal((await webhook.ask(service))['warnings'], undefined);
});

test('where the rest cannot be read a change is let through, with a warning, and that is logged once', async () => {
  await using webhook = await run();
  await webhook.server[Symbol.asyncDispose]();
  for (let time = 0; time < 2; time++) {
    const answer = await webhook.ask(peer);
    assert.equal(answer['allowed'], true);
    assert.match(JSON.stringify(answer['warnings']), /Gantry could not judge this/);
  }
  assert.equal(webhook.log.filter(([event]) => event === 'webhook-cannot-read').length, 1);
});

test('a port that another has holds up nothing', async () => {
  const other = createServer().listen(0);
  await using server = await startFakeApiServer({ resources });
  using client = createApiClient({ access: sampleAccess([server.url]) });
  const events: string[] = [];
  const { port } = other.address() as AddressInfo;
  await runWebhook(
    {
      client,
      namespace: ownNamespace,
      port,
      log: { ...silentLog, warn: (event) => void events.push(event) },
      metrics: { reviewed() {}, certificateEnds() {} },
    },
    new AbortController().signal,
  );
  other.close();
  assert.deepEqual(events, ['webhook-not-served']);
});
