// The HTTPS server that the API server asks: reads reviews, has them answered, and is never brought down by one.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseJson } from '../../kubernetes/api-object.ts';
import type { WebhookCertificate } from './certificate.ts';

export interface WebhookAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Answers the body of a POST to the path; undefined: nothing is there. Never rejects. */
export type WebhookHandler = (path: string, body: unknown) => Promise<WebhookAnswer | undefined>;

export interface WebhookServer extends AsyncDisposable {
  readonly port: number;
  /** From the next connection on; those that are open go on. */
  serve(certificate: WebhookCertificate): void;
}

/** An object of 1.5 MB, which etcd takes at most, twice: as it is and as it was. */
const longestBodyBytes = 4 << 20;
const requestMilliseconds = 10_000;
const mostConnections = 1000;

/** Listens on all addresses; port 0 takes a free one. Without a certificate yet it accepts nobody. Rejects as listen(2) does. */
export async function startWebhookServer(port: number, handler: WebhookHandler): Promise<WebhookServer> {
  const server = createServer({ minVersion: 'TLSv1.2' }, (request, response) => {
    void answer(request, response, handler);
  });
  server.requestTimeout = requestMilliseconds;
  server.headersTimeout = requestMilliseconds;
  server.maxConnections = mostConnections;
  // Who speaks no TLS, or breaks off, is told so by the connection's end.
  server.on('tlsClientError', (_, socket) => socket.destroy());
  await listening(server, port);
  return {
    port: (server.address() as AddressInfo).port, // TCP, hence AddressInfo
    serve: ({ certificate, key }) => server.setSecureContext({ cert: certificate, key }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: WebhookHandler,
): Promise<void> {
  const { status, body } = await answerOf(request, handler);
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  // What is left of a body that was too long is not waited for.
  const headers = request.complete ? {} : { connection: 'close' };
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': length,
    ...headers,
  });
  response.end(text);
}

async function answerOf(request: IncomingMessage, handler: WebhookHandler): Promise<WebhookAnswer> {
  const refusal = (status: number, message: string): WebhookAnswer => ({ status, body: { message } });
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (request.method !== 'POST') return refusal(405, 'Only POST is served.');
  const text = await readBody(request);
  if (text === undefined) return refusal(413, `The body is longer than ${longestBodyBytes} bytes.`);
  const body = parseJson(text);
  if (body === undefined) return refusal(400, 'The body is not JSON.');
  return (await handler(path, body)) ?? refusal(404, `Nothing is served at ${path.slice(0, 100)}.`);
}

/** Undefined where it is too long, or breaks off: then nobody waits for the answer. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of request) {
      if (!Buffer.isBuffer(piece)) return undefined;
      length += piece.length;
      if (length > longestBodyBytes) return undefined;
      pieces.push(piece);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces).toString('utf8');
}
