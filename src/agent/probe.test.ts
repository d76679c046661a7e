// Tests of single probes against real listeners on the loopback.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { test } from 'node:test';
import { type ProbeTarget, probe } from './probe.ts';

const never = new AbortController().signal;

async function listening<T>(server: Server, use: (port: number) => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

const target = (port: number, more: Partial<ProbeTarget> = {}): ProbeTarget => ({
  type: 'tcp',
  address: '127.0.0.1',
  port,
  path: '/ready',
  timeoutMilliseconds: 5000,
  ...more,
});

test('an accepted connection is a success, a refused one a failure of its own', async () => {
  const port = await listening(createTcpServer(), async (port) => {
    assert.equal(await probe(target(port), never), undefined);
    return port;
  });
  assert.deepEqual(await probe(target(port), never), { kind: 'probe-refused' });
});

test('an answer of 200 to 399 is a success, any other fails with its status', async () => {
  let status = 200;
  let asked = '';
  const server = createServer((request, response) => {
    asked = `${request.method} ${request.url}`;
    response.writeHead(status).end();
  });
  await listening(server, async (port) => {
    for (const [answer, expected] of [
      [200, undefined],
      [302, undefined],
      [404, { kind: 'probe-status', status: 404 }],
      [503, { kind: 'probe-status', status: 503 }],
    ] as const) {
      status = answer;
      assert.deepEqual(await probe(target(port, { type: 'http' }), never), expected);
    }
    assert.equal(asked, 'GET /ready');
  });
});

test('a server that does not answer in time fails by timeout', async () => {
  await listening(createTcpServer(), async (port) => {
    const failure = await probe(target(port, { type: 'http', timeoutMilliseconds: 30 }), never);
    assert.deepEqual(failure, { kind: 'probe-timeout', timeoutMilliseconds: 30 });
  });
});

test('a server that does not speak HTTP fails with what went wrong', async () => {
  const server = createTcpServer((socket) => socket.end('hello\r\n'));
  await listening(server, async (port) => {
    const failure = await probe(target(port, { type: 'http' }), never);
    assert.deepEqual(failure, { kind: 'probe-failed', code: 'the answer is not HTTP' });
  });
});
