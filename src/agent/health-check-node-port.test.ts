// Tests of the healthCheckNodePort over real connections on the loopback.
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../observe/log.ts';
import { createHealthCheckNodePorts } from './health-check-node-port.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function ask(port: number): Promise<{ status: number; body: unknown; weight: unknown } | 'refused'> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, async (response) => {
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      resolve({
        status: response.statusCode ?? 0,
        body: JSON.parse(body),
        weight: response.headers['x-load-balancing-endpoint-weight'],
      });
    }).on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED' ? resolve('refused') : reject(error),
    );
  });
}

function start(t: TestContext, isForwarding = () => true) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  return createHealthCheckNodePorts({ isForwarding, log: silentLog, signal: stop.signal });
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test('it answers 200 with local ready endpoints, and 503 without', async (t) => {
  const port = await freePort();
  const ports = start(t);
  ports.update('web/web', { port, count: 2 });
  await soon();
  const service = { namespace: 'web', name: 'web' };
  assert.deepEqual(await ask(port), {
    status: 200,
    body: { service, localEndpoints: 2, serviceProxyHealthy: true },
    weight: '2',
  });
  ports.update('web/web', { port, count: 0 });
  assert.deepEqual(await ask(port), {
    status: 503,
    body: { service, localEndpoints: 0, serviceProxyHealthy: true },
    weight: '0',
  });
});

test('it answers 503 while this node does not forward the Service', async (t) => {
  const port = await freePort();
  start(t, () => false).update('web/web', { port, count: 2 });
  await soon();
  const answer = await ask(port);
  assert.ok(answer !== 'refused');
  assert.equal(answer.status, 503);
});

test('a Service that changes or loses its port frees the old one', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const ports = start(t);
  ports.update('web/web', { port: first, count: 1 });
  ports.update('web/web', { port: second, count: 1 });
  await soon();
  assert.equal(await ask(first), 'refused');
  assert.notEqual(await ask(second), 'refused');
  ports.update('web/web', undefined);
  assert.equal(await ask(second), 'refused');
});

test('a port that another process has is left to it, and taken once it is free', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, resolve));
  const { port } = other.address() as AddressInfo;
  start(t).update('web/web', { port, count: 1 });
  await soon();
  await new Promise((resolve) => other.close(resolve));
  assert.equal(await ask(port), 'refused');
  t.mock.timers.tick(30_000);
  await soon();
  assert.notEqual(await ask(port), 'refused');
});
