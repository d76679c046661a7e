// TCP on a real link: who has the password, the hops and the device is let through, and who has not is not.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { formatAddress } from '../model/address.ts';
import { sampleAddress } from '../model/sample.ts';
import { SystemError } from './errno.ts';
import {
  connectTcp,
  listenTcp,
  type TcpConnectOptions,
  type TcpHops,
  type TcpListener,
} from './tcp-socket.ts';

const port = 1790;
const plain: TcpHops = { ttl: 64, minimumTtl: undefined };

const optionsOf = (peer: string, more: Partial<TcpConnectOptions> = {}): TcpConnectOptions => ({
  peer: sampleAddress(peer),
  peerPort: port,
  local: undefined,
  device: undefined,
  password: undefined,
  ...plain,
  ...more,
});

/** Resolves with what the listener says, or the failure; `silence` where nothing comes for a while. */
function attempt(host: Host, options: TcpConnectOptions, milliseconds = 5000): Promise<string> {
  return new Promise((resolve) => {
    let socket: Socket | undefined;
    const end = (text: string): void => {
      clearTimeout(timer);
      pending[Symbol.dispose]();
      socket?.destroy();
      resolve(text);
    };
    const timer = setTimeout(() => end('silence'), milliseconds);
    const pending = host.inside(() =>
      connectTcp(options, {
        connected(made) {
          socket = made;
          made.on('error', ({ message }) => end(message));
          made.on('data', (data) => end(String(data)));
        },
        failed: ({ code }) => end(code),
      }),
    );
  });
}

/** Says to everyone who it takes them for. */
function greet(host: Host, family: 'IPv4' | 'IPv6', hops = plain): TcpListener {
  return host.inside(() =>
    listenTcp({
      family,
      port,
      device: undefined,
      onConnection(connection) {
        const socket = connection.take(hops);
        socket.on('error', () => {});
        socket.end(formatAddress(connection.peer));
      },
    }),
  );
}

function twoHosts(lab: Lab): readonly [Host, Host] {
  const lan = lab.segment('lan');
  const [a, b] = [lab.host('a'), lab.host('b')];
  lab.connect(a, 'eth0', lan, ['192.0.2.1/24', '192.0.2.11/24', '2001:db8:1::1/64']);
  lab.connect(b, 'eth0', lan, ['192.0.2.2/24', '2001:db8:1::2/64']);
  return [a, b];
}

testInsideLab(import.meta.filename, () => {
  test('a connection is made of either family, from the address that is asked for', async () => {
    await using lab = await createLab();
    const [a, b] = twoHosts(lab);
    using _four = greet(b, 'IPv4');
    using _six = greet(b, 'IPv6');
    assert.equal(
      await attempt(a, optionsOf('192.0.2.2', { local: sampleAddress('192.0.2.11') })),
      '192.0.2.11',
    );
    assert.equal(await attempt(a, optionsOf('2001:db8:1::2')), '2001:db8:1::1');
    const device = { name: 'eth0', index: 0 };
    assert.equal(await attempt(a, optionsOf('192.0.2.2', { device })), '192.0.2.1');
  });

  for (const prefixLength of [
    { IPv4: 32, IPv6: 128 },
    { IPv4: 24, IPv6: 64 },
  ])
    test(`only who has the password is heard, on either side: /${prefixLength.IPv4}`, async () => {
      await using lab = await createLab();
      const [a, b] = twoHosts(lab);
      for (const [family, ours, theirs] of [
        ['IPv4', '192.0.2.1', '192.0.2.2'],
        ['IPv6', '2001:db8:1::1', '2001:db8:1::2'],
      ] as const) {
        using listener = greet(b, family);
        const network = { address: sampleAddress(ours), prefixLength: prefixLength[family] };
        listener.setPassword(network, 'a secret');
        assert.equal(await attempt(a, optionsOf(theirs, { password: 'a secret' })), ours);
        assert.equal(await attempt(a, optionsOf(theirs, { password: 'another' }), 300), 'silence');
        assert.equal(await attempt(a, optionsOf(theirs), 300), 'silence');
        listener.setPassword(network, undefined);
        listener.setPassword(network, undefined);
        assert.equal(await attempt(a, optionsOf(theirs)), ours);
      }
    });

  test('who asks for 255 hears neighbours that send it, and no others', async () => {
    await using lab = await createLab();
    const [a, b] = twoHosts(lab);
    for (const [family, ours, theirs] of [
      ['IPv4', '192.0.2.1', '192.0.2.2'],
      ['IPv6', '2001:db8:1::1', '2001:db8:1::2'],
    ] as const) {
      using _listener = greet(b, family, { ttl: 255, minimumTtl: undefined });
      assert.equal(await attempt(a, optionsOf(theirs, { ttl: 255, minimumTtl: 255 })), ours);
    }
    using _listener = greet(b, 'IPv4', { ttl: 64, minimumTtl: undefined });
    assert.equal(await attempt(a, optionsOf('192.0.2.2', { ttl: 255, minimumTtl: 255 }), 300), 'silence');
  });

  test('each failure has its name, at once or later', async () => {
    await using lab = await createLab();
    const [a] = twoHosts(lab);
    assert.equal(await attempt(a, optionsOf('192.0.2.2')), 'ECONNREFUSED');
    const codeOf = (more: Partial<TcpConnectOptions>, peer = '192.0.2.2'): string => {
      const handlers = { connected: () => {}, failed: () => {} };
      try {
        a.inside(() => connectTcp(optionsOf(peer, more), handlers))[Symbol.dispose]();
      } catch (error) {
        if (error instanceof SystemError) return error.code;
      }
      return 'none';
    };
    assert.equal(codeOf({ local: sampleAddress('192.0.2.99') }), 'EADDRNOTAVAIL');
    assert.equal(codeOf({ device: { name: 'eth9', index: 0 } }), 'ENODEV');
    assert.equal(codeOf({}, '203.0.113.1'), 'ENETUNREACH');
    assert.equal(codeOf({ password: 'x'.repeat(81) }), 'EINVAL');
  });
});
