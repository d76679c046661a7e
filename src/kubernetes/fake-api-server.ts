// An API server for tests: real HTTP in front of objects in memory, which behaves as the real one does, or as it is told.
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createLineWriter, sendAnswer } from './fake/answers.ts';
import { type Faults, noFaults } from './fake/faults.ts';
import { type ReadContext, type WatchFeatures, watch } from './fake/reads.ts';
import { isRefusal, statusOf } from './fake/refusal.ts';
import { contextOf, route, type Served } from './fake/routes.ts';
import { createFakeStore, type FakeStore } from './fake/store.ts';
import { create, type ServedResource } from './fake/writes.ts';
import * as kinds from './resource.ts';

export interface FakeApiServerOptions extends Partial<WatchFeatures> {
  /** Shared by the servers of one cluster. */
  readonly store?: FakeStore;
  readonly faults?: Faults;
  /** Requests without this bearer token are unauthorized. May be changed. */
  readonly credentials?: { token: string };
  /** PEM; without it the server speaks plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
  /** Answers of so many bytes are packed for who accepts it. */
  readonly packBytes?: number;
  readonly port?: number;
  /** Kinds besides those of Kubernetes. */
  readonly resources?: readonly ServedResource[];
}

export interface FakeApiServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly store: FakeStore;
  /** `METHOD path?query` of each request so far. */
  readonly requests: readonly string[];
  /** Connections at this moment. */
  readonly connections: number;
  /** The common names in the certificates that clients have shown. */
  readonly clientNames: readonly string[];
}

const withStatus = new Set<kinds.Resource>([kinds.services, kinds.nodes, kinds.namespaces, kinds.pods]);
const known = Object.values(kinds).filter((value) => typeof value === 'object');

/** Listens on the loopback; disposing breaks all connections. */
export async function startFakeApiServer(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
  const store = options.store ?? createFakeStore();
  const served: readonly ServedResource[] = [
    ...known.map((resource) => ({ ...resource, hasStatus: withStatus.has(resource) })),
    ...(options.resources ?? []),
  ];
  if (store.get('v1/namespaces', 'default') === undefined)
    create(contextOf(store, served, kinds.namespaces, undefined), { metadata: { name: 'default' } });
  const definitions = contextOf(store, served, kinds.customResourceDefinitions, undefined);
  for (const { plural, apiVersion } of options.resources ?? [])
    create(definitions, { metadata: { name: `${plural}.${apiVersion.split('/')[0]}` } });
  const { hasStreamingLists = true } = options;
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const listener: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void serve(request, response, { ...options, hasStreamingLists, store, served });
  };
  const { tls } = options;
  const secure =
    tls &&
    createSecureServer({ ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: false }, listener);
  const clientNames: string[] = [];
  secure?.on('secureConnection', (socket) => {
    const { subject } = socket.getPeerCertificate();
    if (typeof subject?.CN === 'string') clientNames.push(subject.CN);
  });
  const server: Server = secure ?? createServer(listener);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    store,
    requests,
    get connections() {
      return sockets.size;
    },
    clientNames,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

type Serving = FakeApiServerOptions & Served;

async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  response.on('error', () => {}); // the client went away
  const body = await bodyOf(request);
  if (body === undefined) return;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const isWatch = url.searchParams.get('watch') === 'true';
  const name = `${request.method} ${url.pathname}${isWatch ? ' (watch)' : ''}`;
  const { faults = noFaults, packBytes = 131_072 } = serving;
  const fault = faults.answer(name);
  switch (fault?.kind) {
    case 'drop':
      request.socket.destroy();
      return;
    case 'silence':
      return;
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
      break;
    default:
  }
  const outcome: object =
    fault?.kind === 'refuse'
      ? { code: fault.status, reason: '', message: 'a fault', retryAfterSeconds: fault.retryAfterSeconds }
      : route(request, url, body, serving);
  if ('watch' in outcome) {
    const { watch: context } = outcome as { readonly watch: ReadContext }; // of route
    serveWatch(response, context, serving, faults.watch(name));
    return;
  }
  const refusal = isRefusal(outcome) ? outcome : undefined;
  const text = JSON.stringify(refusal ? statusOf(refusal) : outcome);
  const isPacked = /gzip/.test(request.headers['accept-encoding'] ?? '') && text.length >= packBytes;
  const { code: status = request.method === 'POST' ? 201 : 200, retryAfterSeconds } = refusal ?? {};
  await sendAnswer(response, { status, text, isPacked, retryAfterSeconds }, fault);
}

function serveWatch(
  response: ServerResponse,
  context: ReadContext,
  { bookmarkMilliseconds = 60_000 }: Serving,
  fault: ReturnType<Faults['watch']>,
): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  const error = (code: number): string =>
    JSON.stringify({ type: 'ERROR', object: statusOf({ code, reason: '', message: 'a fault' }) });
  const lines = createLineWriter(response, fault, { expired: error(410), error: error(500) });
  const stop = watch(context, bookmarkMilliseconds, lines);
  response.on('close', stop);
}

/** Undefined where the client went away. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of request) pieces.push(piece as Uint8Array); // no encoding is set
    return Buffer.concat(pieces).toString('utf8');
  } catch (error) {
    if (request.destroyed) return undefined;
    throw error;
  }
}
