// A small HTTP/1.1 server for those who ask a daemon how it is: one request a connection, answered whole (RFC 9112).
// Node's own, with all that it loads, is 20 MB of memory on every node.
import { createServer, type Server, type Socket } from 'node:net';

export interface HttpRequest {
  /** Without the query. */
  readonly path: string;
  /** By lower-case name; of a repeated header the last. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface HttpResponse {
  readonly status: number;
  /** Besides those that the server adds: length, and that the connection is closed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers a GET; for a HEAD the body is left out. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export interface HttpServer extends Disposable {
  readonly server: Server;
}

const longestHead = 16_384;
const idleMilliseconds = 10_000;

/** Not listening yet. It does not keep the process alive. Disposing closes it with all connections. */
export function createHttpServer(handler: HttpHandler): HttpServer {
  const sockets = new Set<Socket>();
  // A client may have closed its side and still wait for the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // the client went away
    socket.setTimeout(idleMilliseconds, () => socket.destroy());
    serve(socket, handler);
  });
  server.unref();
  return {
    server,
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function serve(socket: Socket, handler: HttpHandler): void {
  let text = '';
  const read = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0 && text.length <= longestHead) return;
    socket.off('data', read);
    socket.resume(); // whatever follows is not for us
    void answer(socket, handler, end < 0 ? undefined : text.slice(0, end));
  };
  socket.on('data', read);
  socket.on('end', () => text.includes('\r\n\r\n') || socket.destroy());
}

async function answer(socket: Socket, handler: HttpHandler, head: string | undefined): Promise<void> {
  if (head === undefined) return write(socket, plain(431, 'The request is too long.'), false);
  const request = parseHead(head);
  if (request === undefined) return write(socket, plain(400, 'This is not an HTTP request.'), false);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return write(socket, plain(405, 'Only GET and HEAD are served.', { allow: 'GET, HEAD' }), false);
  }
  write(socket, await handler(request), request.method === 'HEAD');
}

const plain = (status: number, body: string, headers = {}): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
  body: `${body}\n`,
});

/** Undefined for what is no request line followed by header lines. */
export function parseHead(head: string): (HttpRequest & { readonly method: string }) | undefined {
  const [line = '', ...fields] = head.split('\r\n');
  const [, method, target] = /^([!-~]+) (\S+) HTTP\/1\.[01]$/.exec(line) ?? [];
  if (method === undefined || target === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const field of fields) {
    const colon = field.indexOf(':');
    if (colon <= 0) return undefined;
    headers.set(field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim());
  }
  return { method, path: target.split('?', 1)[0] ?? '', headers };
}

function write(socket: Socket, { status, headers, body }: HttpResponse, isHead: boolean): void {
  const bytes = Buffer.from(body);
  const lines = [
    `HTTP/1.1 ${status} ${phrases[status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${bytes.length}`,
    'connection: close',
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.end(isHead ? new Uint8Array() : bytes);
}

const phrases: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
