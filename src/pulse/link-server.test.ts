// The pulse socket between real ends: greetings, messages, strangers, stale files, and ends that hang.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectPulse, type PulseClient, pulseSocketPath } from './client.ts';
import type { FromPulse, ToPulse } from './link.ts';
import { type LinkServer, openLinkServer } from './link-server.ts';

const hello: FromPulse = { type: 'hello', version: '1', pid: 1, node: undefined };

/** A directory for sockets, gone with the test. */
function runDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'gantry-link-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

interface Served {
  readonly server: LinkServer;
  readonly heard: ToPulse[];
  readonly unknown: () => number;
}

async function serve(path: string): Promise<Served> {
  const heard: ToPulse[] = [];
  let unknown = 0;
  const server = await openLinkServer({
    path,
    greeting: () => [hello],
    onMessage: (message) => heard.push(message),
    onUnknown: () => unknown++,
    onDisconnect() {},
  });
  return { server, heard, unknown: () => unknown };
}

const once = (socket: Socket, event: 'connect' | 'close'): Promise<void> =>
  new Promise((resolve) => socket.once(event, () => resolve()));

async function until(ask: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!ask()) {
    assert.ok(performance.now() < deadline, 'waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Collects what it hears, and how often it was connected. */
function listen(path: string): { client: PulseClient; heard: FromPulse[]; connections: () => number } {
  const heard: FromPulse[] = [];
  let connections = 0;
  const client = connectPulse(path, {
    connected: () => connections++,
    message: (message) => heard.push(message),
    disconnected() {},
  });
  return { client, heard, connections: () => connections };
}

test('a listener is greeted, hears what is broadcast, and is heard', async () => {
  using directory = runDirectory();
  const path = pulseSocketPath(join(directory.path, 'made'));
  const { server, heard } = await serve(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const { client, heard: told } = listen(path);
  await until(() => told.length === 1);
  server.broadcast({ type: 'stopping' });
  client.send({ type: 'stop' });
  await until(() => told.length === 2 && heard.length === 1);
  assert.deepEqual(
    told,
    [hello, { type: 'stopping' }].map((message) => JSON.parse(JSON.stringify(message))),
  );
  assert.deepEqual(heard, [{ type: 'stop' }]);
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  assert.equal(existsSync(path), false);
});

test('what an agent says of BGP routes is passed on, to those that come later too, while the agent is there', async () => {
  using directory = runDirectory();
  const path = pulseSocketPath(directory.path);
  const { server, heard } = await serve(path);
  const early = listen(path);
  const agent = listen(path);
  await until(() => server.connections === 2);
  agent.client.send({ type: 'configure', node: 'a', members: [], keyFile: '/key' });
  agent.client.send({ type: 'bgp-routes', count: 2 });
  const isTold = ({ heard: told }: { readonly heard: readonly FromPulse[] }): boolean =>
    told.some((message) => message.type === 'bgp-routes' && message.count === 2);
  await until(() => isTold(early));
  const later = listen(path);
  await until(() => isTold(later));
  assert.equal(heard.length, 1);
  agent.client[Symbol.dispose]();
  await until(() => server.connections === 2);
  const last = listen(path);
  await until(() => last.heard.length === 1);
  assert.equal(isTold(last), false);
  for (const { client } of [early, later, last]) client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

test('a client finds a pulse that starts later, and one that starts again', async () => {
  using directory = runDirectory();
  const path = pulseSocketPath(directory.path);
  const { client, connections } = listen(path);
  const first = await serve(path);
  await until(() => connections() === 1);
  await first.server[Symbol.asyncDispose]();
  const second = await serve(path);
  await until(() => connections() === 2);
  client[Symbol.dispose]();
  await second.server[Symbol.asyncDispose]();
});

test('a socket file that nobody answers on is replaced, one that a pulse answers on is not', async () => {
  using directory = runDirectory();
  const path = pulseSocketPath(directory.path);
  writeFileSync(path, '');
  const { server } = await serve(path);
  await assert.rejects(serve(path), /another pulse answers on .*pulse\.sock/);
  const { client, heard } = listen(path);
  await until(() => heard.length === 1);
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

test('messages of other shapes are ignored, what is no JSON ends the connection, and others go on', async () => {
  using directory = runDirectory();
  const path = pulseSocketPath(directory.path);
  const { server, heard, unknown } = await serve(path);
  const stranger = connect(path);
  stranger.on('error', () => {});
  stranger.resume();
  await once(stranger, 'connect');
  stranger.write('{"type":"announce"}\n{"type":"configure","members":7}\n{"type":"sto');
  await until(() => unknown() === 2);
  stranger.write('p"}\n');
  await until(() => heard.length === 1);
  const closed = once(stranger, 'close');
  stranger.write('hello\n');
  await closed;
  const { client, heard: told } = listen(path);
  await until(() => told.length === 1);
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

test('a listener that never hangs up does not keep the pulse from ending', async () => {
  using directory = runDirectory();
  const path = pulseSocketPath(directory.path);
  const { server } = await serve(path);
  const frozen = connect({ path, allowHalfOpen: true });
  frozen.on('error', () => {});
  await once(frozen, 'connect');
  await until(() => server.connections === 1);
  await server[Symbol.asyncDispose]();
  assert.equal(existsSync(path), false);
  frozen.destroy();
});
