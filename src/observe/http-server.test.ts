// Tests of the small HTTP server, with Node's own client and with raw bytes.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { createHttpServer, parseHead } from './http-server.ts';

async function start(t: TestContext): Promise<number> {
  const http = createHttpServer(async ({ path, headers }) => ({
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: `${path} ${headers.get('x-word') ?? ''} ✓`,
  }));
  t.after(() => http[Symbol.dispose]());
  await new Promise<void>((resolve) => http.server.listen(0, '127.0.0.1', resolve));
  return (http.server.address() as AddressInfo).port;
}

/** Everything that comes back for these bytes, until the server closes. */
function raw(port: number, text: string, closesFirst = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(answer);
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    if (closesFirst) socket.end(text);
    else socket.write(text);
  });
}

test('Node’s client reads answers to GET and HEAD', async (t) => {
  const port = await start(t);
  for (const [method, expected] of [
    ['GET', '/a word ✓'],
    ['HEAD', ''],
  ] as const) {
    const body = await new Promise<string>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', method, path: '/a?b=c', headers: { 'X-Word': 'word' } };
      request({ ...options, agent: false }, async (response) => {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        assert.equal(response.statusCode, 200);
        assert.equal(response.headers['content-length'], '11');
        resolve(text);
      })
        .on('error', reject)
        .end();
    });
    assert.equal(body, expected);
  }
});

test('a request may come in pieces, and its sender may close at once', async (t) => {
  const port = await start(t);
  assert.match(
    await raw(port, 'GET /x HTTP/1.0\r\n\r\n', true),
    /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\/x {2}✓$/s,
  );
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk;
  });
  const ended = new Promise((resolve) => socket.on('end', resolve));
  for (const piece of ['GE', 'T /y HTTP/1.1\r', '\nHost: a\r\n\r', '\n']) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await ended;
  assert.match(answer, /\/y {2}✓$/);
});

test('what is no GET or HEAD gets its status', async (t) => {
  const port = await start(t);
  const table = [
    ['POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc', /^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD\r\n/s],
    ['hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/2\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/1.1\r\nno colon\r\n\r\n', /^HTTP\/1\.1 400 /],
    [`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`, /^HTTP\/1\.1 431 /],
    ['GET / HTTP/1.1\r\n', /^$/],
  ] as const;
  for (const [text, expected] of table) assert.match(await raw(port, text, true), expected);
});

test('any head is parsed or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.boolean(), (text, asHeader) => {
      const parsed = parseHead(asHeader ? `GET / HTTP/1.1\r\n${text}` : text);
      assert.ok(parsed === undefined || parsed.path.length > 0);
    }),
  );
});
