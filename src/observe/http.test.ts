// Tests of the HTTP port over real connections on the loopback.
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { test } from 'node:test';
import { type HttpOptions, serveHttp } from './http.ts';
import { listenSentence } from './reason.ts';

const registry = { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' };

async function withServer(
  options: Partial<HttpOptions>,
  use: (port: number, stop: () => void) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const listener = await serveHttp({
    address: { host: '127.0.0.1', port: 0 },
    registry,
    ready: () => undefined,
    health: () => undefined,
    signal: controller.signal,
    ...options,
  });
  assert.ok(listener.kind === 'listening');
  try {
    await use(listener.address.port, () => controller.abort());
  } finally {
    controller.abort();
  }
}

function request(
  port: number,
  path: string,
  headers = {},
): Promise<{ status: number; type: string; body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, async (response) => {
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body });
    }).on('error', reject);
  });
}

test('metrics come with the registry’s own content type', async () => {
  await withServer({}, async (port) => {
    assert.deepEqual(await request(port, '/metrics'), {
      status: 200,
      type: registry.contentType,
      body: 'up 1\n',
    });
  });
});

test('a metric that cannot be collected is an error of the scrape alone', async () => {
  const broken = { ...registry, metrics: () => Promise.reject(new Error('no kernel')) };
  await withServer({ registry: broken }, async (port) => {
    const { status, body } = await request(port, '/metrics');
    assert.equal(status, 500);
    assert.match(body, /no kernel/);
    assert.equal((await request(port, '/healthz')).status, 200);
  });
});

test('who is not ready says why, in text or in JSON', async () => {
  let reason: string | undefined = 'The first list of objects is not read yet.';
  await withServer({ ready: () => reason }, async (port) => {
    assert.deepEqual(await request(port, '/readyz'), {
      status: 503,
      type: 'text/plain; charset=utf-8',
      body: `${reason}\n`,
    });
    const json = await request(port, '/readyz', { accept: 'application/json' });
    assert.deepEqual(JSON.parse(json.body), { ready: false, reason });
    reason = undefined;
    assert.equal((await request(port, '/readyz')).status, 200);
    assert.equal((await request(port, '/readyz?verbose')).body, 'ok\n');
  });
});

test('any other path is not found', async () => {
  await withServer({}, async (port) => {
    assert.equal((await request(port, '/')).status, 404);
    assert.equal((await request(port, '//')).status, 404);
  });
});

test('a taken port is a reason that names it', async () => {
  await withServer({}, async (port) => {
    const second = await serveHttp({
      address: { host: '127.0.0.1', port },
      registry,
      ready: () => undefined,
      health: () => undefined,
      signal: new AbortController().signal,
    });
    assert.ok(second.kind === 'address-in-use');
    assert.match(listenSentence(second), new RegExp(`127\\.0\\.0\\.1:${port}`));
  });
});

test('an address of another machine is a reason of its own', async () => {
  const listener = await serveHttp({
    address: { host: '192.0.2.1', port: 0 },
    registry,
    ready: () => undefined,
    health: () => undefined,
    signal: new AbortController().signal,
  });
  assert.equal(listener.kind, 'address-not-local');
});

test('the port closes with the signal', async () => {
  await withServer({}, async (port, stop) => {
    stop();
    await assert.rejects(request(port, '/healthz'), { code: 'ECONNREFUSED' });
  });
});
