// The HTTP port of a long-lived program: /metrics for Prometheus, /healthz and /readyz for whoever supervises it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatListenAddress, type ListenAddress } from './listen-address.ts';
import type { ListenReason } from './reason.ts';

export interface HttpOptions {
  readonly address: ListenAddress;
  /** A prom-client Registry, or anything that renders the text format. */
  readonly registry: { readonly contentType: string; metrics(): Promise<string> };
  /** Why the program is not ready to do its work, as a sentence; undefined: it is. */
  readonly ready: () => string | undefined;
  /** Why it should be restarted, as a sentence; undefined: all is well. */
  readonly health: () => string | undefined;
  /** When it aborts, the port is closed. */
  readonly signal: AbortSignal;
}

export interface HttpListener {
  readonly kind: 'listening';
  /** With the port that was really taken. */
  readonly address: ListenAddress;
}

/**
 * Resolves when the port is open, or with the reason why it is not. The listener does not keep the process alive:
 * its work does.
 */
export async function serveHttp(options: HttpOptions): Promise<HttpListener | ListenReason> {
  const server = createServer((request, response) => {
    void answer(options, request, response);
  });
  const failure = await listen(server, options.address);
  if (failure !== undefined) return failure;
  server.unref();
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  options.signal.addEventListener('abort', close, { once: true });
  if (options.signal.aborted) close();
  const port = (server.address() as AddressInfo | null)?.port ?? options.address.port; // TCP, hence AddressInfo
  return { kind: 'listening', address: { host: options.address.host, port } };
}

function listen(server: Server, address: ListenAddress): Promise<ListenReason | undefined> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve(reasonOf(error, address));
    server.once('error', fail);
    server.listen({ port: address.port, host: address.host, exclusive: true }, () => {
      server.off('error', fail);
      resolve(undefined);
    });
  });
}

function reasonOf(error: NodeJS.ErrnoException, listenAddress: ListenAddress): ListenReason {
  const address = formatListenAddress(listenAddress);
  switch (error.code) {
    case 'EADDRINUSE':
      return { kind: 'address-in-use', address };
    case 'EADDRNOTAVAIL':
      return { kind: 'address-not-local', address };
    case 'EACCES':
      return { kind: 'port-privileged', address };
    default:
      return { kind: 'listen-failed', address, code: error.code ?? error.message };
  }
}

async function answer(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, 405, 'Only GET and HEAD are served.');
  }
  switch ((request.url ?? '').split('?', 1)[0]) {
    case '/metrics':
      return sendMetrics(options, response);
    case '/healthz':
      return sendState(request, response, 'healthy', options.health());
    case '/readyz':
      return sendState(request, response, 'ready', options.ready());
    default:
      return send(response, 404, 'Served here: /metrics, /healthz, /readyz.');
  }
}

async function sendMetrics({ registry }: HttpOptions, response: ServerResponse): Promise<void> {
  try {
    send(response, 200, await registry.metrics(), registry.contentType);
  } catch (error) {
    send(response, 500, `A metric could not be collected: ${String(error)}`);
  }
}

/** 200 or 503, as text, or as JSON for who asks for it. */
function sendState(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  reason: string | undefined,
): void {
  const status = reason === undefined ? 200 : 503;
  if (request.headers.accept?.includes('application/json') === true) {
    const body = { [name]: reason === undefined, ...(reason === undefined ? {} : { reason }) };
    send(response, status, JSON.stringify(body), 'application/json');
  } else {
    send(response, status, reason ?? 'ok');
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body.endsWith('\n') ? body : `${body}\n`);
}
