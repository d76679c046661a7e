// The HTTP port of a long-lived program: /metrics for Prometheus, /healthz and /readyz for whoever supervises it.
import type { AddressInfo } from 'node:net';
import { createHttpServer, type HttpRequest, type HttpResponse, type HttpServer } from './http-server.ts';
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
  const http = createHttpServer((request) => answer(options, request));
  const failure = await listen(http, options.address);
  if (failure !== undefined) return failure;
  const { signal } = options;
  const close = (): void => http[Symbol.dispose]();
  signal.addEventListener('abort', close, { once: true });
  const port = (http.server.address() as AddressInfo | null)?.port ?? options.address.port; // TCP, hence AddressInfo
  if (signal.aborted) close();
  return { kind: 'listening', address: { host: options.address.host, port } };
}

function listen({ server }: HttpServer, address: ListenAddress): Promise<ListenReason | undefined> {
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

async function answer(options: HttpOptions, request: HttpRequest): Promise<HttpResponse> {
  switch (request.path) {
    case '/metrics':
      return metrics(options);
    case '/healthz':
      return state(request, 'healthy', options.health());
    case '/readyz':
      return state(request, 'ready', options.ready());
    default:
      return respond(404, 'Served here: /metrics, /healthz, /readyz.');
  }
}

async function metrics({ registry }: HttpOptions): Promise<HttpResponse> {
  try {
    return respond(200, await registry.metrics(), registry.contentType);
  } catch (error) {
    return respond(500, `A metric could not be collected: ${String(error)}`);
  }
}

/** 200 or 503, as text, or as JSON for who asks for it. */
function state({ headers }: HttpRequest, name: string, reason: string | undefined): HttpResponse {
  const status = reason === undefined ? 200 : 503;
  if (headers.get('accept')?.includes('application/json') !== true) return respond(status, reason ?? 'ok');
  const body = { [name]: reason === undefined, ...(reason === undefined ? {} : { reason }) };
  return respond(status, JSON.stringify(body), 'application/json');
}

const respond = (status: number, body: string, type = 'text/plain; charset=utf-8'): HttpResponse => ({
  status,
  headers: { 'content-type': type, 'cache-control': 'no-store' },
  body: body.endsWith('\n') ? body : `${body}\n`,
});
