// UDP on a real link: what is said of a datagram, and that only neighbours' are let through where it is asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../lab/host.ts';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { type Address, addressFromBytes, formatAddress, parseAddress } from '../model/address.ts';
import { SystemError } from './errno.ts';
import { listLinks } from './links.ts';
import { openUdpReceiver, openUdpSender, type UdpReceiver, type UdpSenderOptions } from './udp-socket.ts';

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  assert.ok(address);
  return address;
};

const port = 4784;

const deviceOf = (host: Host) => {
  const link = host.inside(() => listLinks().find(({ name }) => name === 'eth0'));
  assert.ok(link);
  return link;
};

const sendFrom = (host: Host, peer: string, more: Partial<UdpSenderOptions>, ...texts: string[]): void => {
  using sender = host.inside(() =>
    openUdpSender({
      local: undefined,
      localPort: 50_000,
      peer: addressOf(peer),
      peerPort: port,
      device: undefined,
      ttl: 255,
      trafficClass: 0xc0,
      ...more,
    }),
  );
  for (const text of texts) assert.equal(sender.send(Buffer.from(text)), undefined);
};

/** What is on its way arrives in its own time. */
async function drainUntil(receiver: UdpReceiver, isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !isDone(); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    receiver.drain();
  }
}

testInsideLab(import.meta.filename, () => {
  test('a datagram’s addresses, port, interface and hops are told', { timeout: 20_000 }, async () => {
    await using lab = await createLab();
    const lan = lab.segment('lan');
    const [a, b] = [lab.host('a'), lab.host('b')];
    lab.connect(a, 'eth0', lan, ['192.0.2.1/24', '2001:db8:1::1/64']);
    lab.connect(b, 'eth0', lan, ['192.0.2.2/24', '2001:db8:1::2/64', '192.0.2.22/24']);
    const linkLocal = deviceOf(b).addresses.find(({ scope }) => scope === 'link');
    assert.ok(linkLocal);
    const seen: unknown[] = [];
    for (const family of ['IPv4', 'IPv6'] as const) {
      using receiver = b.inside(() =>
        openUdpReceiver({
          family,
          port,
          onlyNeighbours: false,
          onDatagram: (bytes, { source, destination, ...origin }) =>
            seen.push({
              text: Buffer.from(bytes).toString(),
              source: formatAddress(addressFromBytes(source)),
              destination: formatAddress(addressFromBytes(destination)),
              ...origin,
            }),
        }),
      );
      const count = family === 'IPv4' ? 2 : 6;
      const peers = family === 'IPv4' ? ['192.0.2.22'] : ['2001:db8:1::2', formatAddress(linkLocal.address)];
      for (const peer of peers) sendFrom(a, peer, { ttl: 77, device: deviceOf(a) }, 'hello', 'x'.repeat(100));
      await drainUntil(receiver, () => seen.length >= count);
    }
    const origin = { sourcePort: 50_000, interfaceIndex: deviceOf(b).index, ttl: 77 };
    const own = deviceOf(a).addresses.find(({ scope }) => scope === 'link');
    assert.ok(own);
    const pairs = [
      ['192.0.2.1', '192.0.2.22'],
      ['2001:db8:1::1', '2001:db8:1::2'],
      [formatAddress(own.address), formatAddress(linkLocal.address)],
    ];
    assert.deepEqual(
      seen,
      pairs.flatMap(([source, destination]) =>
        ['hello', 'x'.repeat(100)].map((text) => ({ text, source, destination, ...origin })),
      ),
    );
  });

  test('where only neighbours may speak, the kernel drops what has passed a router or pretends to less', {
    timeout: 20_000,
  }, async () => {
    await using lab = await createLab();
    const lan = lab.segment('lan');
    const [a, b] = [lab.host('a'), lab.host('b')];
    lab.connect(a, 'eth0', lan, ['192.0.2.1/24', '2001:db8:1::1/64']);
    lab.connect(b, 'eth0', lan, ['192.0.2.2/24', '2001:db8:1::2/64']);
    for (const [family, peer] of [
      ['IPv4', '192.0.2.2'],
      ['IPv6', '2001:db8:1::2'],
    ] as const) {
      const seen: string[] = [];
      using receiver = b.inside(() =>
        openUdpReceiver({
          family,
          port,
          onlyNeighbours: true,
          onDatagram: (bytes) => seen.push(Buffer.from(bytes).toString()),
        }),
      );
      sendFrom(a, peer, { ttl: 254 }, 'far');
      sendFrom(a, peer, { ttl: 1 }, 'sly');
      sendFrom(a, peer, {}, 'near');
      await drainUntil(receiver, () => seen.length > 0);
      assert.deepEqual(seen, ['near']);
    }
  });

  test('what cannot be opened is an error by its name, and a failed datagram a word', async () => {
    await using lab = await createLab();
    const lan = lab.segment('lan');
    const [a, b] = [lab.host('a'), lab.host('b')];
    lab.connect(a, 'eth0', lan, ['192.0.2.1/24']);
    lab.connect(b, 'eth0', lan, ['192.0.2.2/24']);
    const fails = (code: string) => (error: unknown) => error instanceof SystemError && error.code === code;
    const listen = () =>
      openUdpReceiver({ family: 'IPv4', port, onlyNeighbours: false, onDatagram: () => {} });
    a.inside(() => {
      using _first = listen();
      assert.throws(listen, fails('EADDRINUSE'));
    });
    assert.throws(() => sendFrom(a, '198.51.100.1', {}, 'x'), fails('ENETUNREACH'));
    assert.throws(() => sendFrom(a, '192.0.2.2', { local: addressOf('192.0.2.9') }), fails('EADDRNOTAVAIL'));
    assert.throws(() => sendFrom(a, '192.0.2.2', { device: { name: 'eth7', index: 7 } }), fails('ENODEV'));
    using sender = a.inside(() =>
      openUdpSender({
        local: undefined,
        localPort: 50_000,
        peer: addressOf('192.0.2.2'),
        peerPort: port,
        device: undefined,
        ttl: 255,
        trafficClass: 0,
      }),
    );
    // Nobody listens there, as the next one hears.
    assert.equal(sender.send(Buffer.from('x')), undefined);
    const refused = new Set<string | undefined>();
    for (let round = 0; round < 50 && !refused.has('ECONNREFUSED'); round++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      refused.add(sender.send(Buffer.from('x')));
    }
    assert.ok(refused.has('ECONNREFUSED'));
  });
});
