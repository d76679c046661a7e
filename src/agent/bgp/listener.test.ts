// Connections from outside, on real sockets: let in for a peer, kept apart from ours, and refused for strangers.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { sampleAddress } from '../../model/sample.ts';
import { silentLog } from '../../observe/log.ts';
import { listenForPeers } from './listener.ts';
import { configurationOf, startModelPeer } from './model-peer.ts';
import { createSpeaker } from './speaker.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function listening(t: TestContext, port: number) {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (event: string) => warnings.push(event) };
  const speaker = createSpeaker({
    isRestarting: false,
    nextHops: () => [sampleAddress('192.0.2.1')],
    log: silentLog,
    changed() {},
  });
  const listener = listenForPeers({ port, accept: speaker.accept, log });
  t.after(() => {
    speaker.configure([]);
    listener[Symbol.dispose]();
  });
  speaker.begin();
  return { speaker, warnings };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('whoever connects from a peer’s range has a session of its own, which goes with its connection', async (t) => {
  await using peer = await startModelPeer();
  const port = await freePort();
  const { speaker } = listening(t, port);
  const range = { address: sampleAddress('127.0.0.0'), prefixLength: 8 };
  const path = { ...configurationOf(peer).path, peer: sampleAddress('192.0.2.77') };
  const tor = configurationOf(peer, { isPassive: true }, { path, listenRange: range });
  speaker.configure([tor]);
  let dials = 0;
  const meet = async (): Promise<void> => {
    const before = peer.heard.filter((one) => one === 'end-of-rib IPv4').length;
    await until('met', () => {
      if (peer.heard.filter((one) => one === 'closed').length === dials) {
        dials++;
        peer.dial(port);
      }
      return peer.heard.filter((one) => one === 'end-of-rib IPv4').length > before;
    });
  };
  await meet();
  assert.deepEqual([...speaker.sessions.keys()], ['tor', 'tor/127.0.0.1']);
  const since = speaker.sessions.get('tor/127.0.0.1')?.since;
  speaker.configure([tor]);
  assert.equal(speaker.sessions.get('tor/127.0.0.1')?.since, since);
  assert.equal(speaker.sessions.get('tor/127.0.0.1')?.machine.state, 'established');
  peer.reset();
  await until('forgotten', () => speaker.sessions.size === 1);
  await meet();
  speaker.configure([{ ...tor, listenRange: undefined }]);
  await until('let go', () => peer.heard.includes('notification 6/3'));
  assert.deepEqual([...speaker.sessions.keys()], ['tor']);
});

test('a peer that connects by itself is let in, and told', async (t) => {
  await using peer = await startModelPeer();
  const port = await freePort();
  const { speaker } = listening(t, port);
  speaker.configure([configurationOf(peer, { isPassive: true })]);
  let dials = 0;
  // The listener comes a moment later; each attempt is waited for.
  await until('met', () => {
    if (peer.heard.filter((one) => one === 'closed').length === dials) {
      dials++;
      peer.dial(port);
    }
    return peer.heard.includes('end-of-rib IPv4');
  });
  assert.equal(speaker.sessions.get('tor')?.machine.state, 'established');
});

test('a stranger is refused', async (t) => {
  const port = await freePort();
  listening(t, port);
  let isClosed = false;
  await until('refused', () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('connect', () => socket.on('close', () => (isClosed = true)));
    socket.resume();
    return isClosed;
  });
});

test('a port that another has is told of, and no more than that', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve));
  t.after(() => other.close());
  const address = other.address();
  const { warnings } = listening(t, typeof address === 'object' && address !== null ? address.port : 0);
  await until('told', () => warnings.length > 0);
  assert.deepEqual(warnings, ['bgp-not-listening']);
});
