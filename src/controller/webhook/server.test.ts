// The server over real TLS on the loopback: what it refuses, and that a certificate changes without a connection's end.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { test } from 'node:test';
import { makeWebhookCertificate } from './certificate.ts';
import { startWebhookServer, type WebhookServer } from './server.ts';

const name = 'gantry-webhook.gantry-system.svc';
const make = () => makeWebhookCertificate([name], Date.now());

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly authority: string;
  readonly agent?: Agent;
}

const ask = ({ path = '/admission', method = 'POST', body = '{}', authority, agent }: Asked, port: number) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asking = request(
      { host: '127.0.0.1', port, path, method, servername: name, ca: authority, ...(agent && { agent }) },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    asking.on('error', reject);
    asking.end(body);
  });

const echo = async (path: string, body: unknown) =>
  path === '/admission' ? { status: 200, body: { got: body } } : undefined;

async function started(): Promise<{ server: WebhookServer; authority: string }> {
  const server = await startWebhookServer(0, echo);
  const certificate = make();
  server.serve(certificate);
  return { server, authority: certificate.authority };
}

test('it answers what it is asked, and says what is wrong with other requests', async () => {
  const { server, authority } = await started();
  await using _closing = server;
  const answerTo = (asked: Omit<Asked, 'authority'>) => ask({ ...asked, authority }, server.port);
  assert.deepEqual(await answerTo({ body: '{"a":1}' }), { status: 200, text: '{"got":{"a":1}}' });
  assert.equal((await answerTo({ path: '/elsewhere' })).status, 404);
  assert.equal((await answerTo({ method: 'GET', body: '' })).status, 405);
  assert.equal((await answerTo({ body: '{"a":' })).status, 400);
  assert.equal((await answerTo({ body: ' '.repeat((4 << 20) + 1) })).status, 413);
  assert.equal((await answerTo({})).status, 200);
});

test('who speaks no TLS is sent away, and others are served', async () => {
  const { server, authority } = await started();
  await using _closing = server;
  const plain = connect(server.port, '127.0.0.1');
  plain.end('GET / HTTP/1.1\r\n\r\n');
  plain.resume();
  await new Promise((resolve) => plain.on('close', resolve));
  assert.equal((await ask({ authority }, server.port)).status, 200);
});

test('another certificate is shown to new connections, and open ones go on', async () => {
  const { server, authority } = await started();
  await using _closing = server;
  using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), {
    [Symbol.dispose]: () => agent.destroy(),
  });
  assert.equal((await ask({ authority, agent }, server.port)).status, 200);
  const next = make();
  server.serve(next);
  assert.equal((await ask({ authority, agent }, server.port)).status, 200);
  assert.equal((await ask({ authority: next.authority }, server.port)).status, 200);
  await assert.rejects(ask({ authority }, server.port), { code: /CERT|UNABLE|SELF/ });
});
