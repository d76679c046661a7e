// Packet sockets on a real link: frames arrive whole and once, and the socket outlives its interface's ups and downs.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import type { Host } from '../../lab/host.ts';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { BPF_JEQ, BPF_LD_B, BPF_LD_H, BPF_RET, type BpfInstruction } from './bpf-filter.ts';
import { SystemError } from './errno.ts';
import { listLinks } from './links.ts';
import { openPacketSocket, type PacketSocket } from './packet-socket.ts';

/** An EtherType for local experiments (IEEE 802), so that nothing else is received. */
const experimental = 0x88b5;

/** A broadcast frame with this first byte of payload, 60 bytes long. */
function frameOf(byte: number): Uint8Array {
  const frame = new Uint8Array(60).fill(0xff, 0, 6).fill(2, 6, 12);
  frame.set([experimental >> 8, experimental & 0xff, byte], 12);
  return frame;
}

/** All EtherTypes: such a socket would get its host's own frames as well. */
const everything = 3;

const onlyExperimental: readonly BpfInstruction[] = [
  [BPF_LD_H, 0, 0, 12],
  [BPF_JEQ, 0, 1, experimental],
  [BPF_RET, 0, 0, 0xffff],
  [BPF_RET, 0, 0, 0],
];

const open = (host: Host, received: EventEmitter, filter = onlyExperimental): PacketSocket =>
  host.inside(() =>
    openPacketSocket({
      interfaceIndex: listLinks().find(({ name }) => name === 'eth0')?.index ?? 0,
      protocol: everything,
      filter,
      onFrame: (frame) => received.emit('frame', frame.slice()),
    }),
  );

testInsideLab(import.meta.filename, () => {
  test('a frame is received whole by other hosts, and not by its own', { timeout: 20_000 }, async () => {
    await using lab = await createLab();
    const lan = lab.segment('lan');
    const [a, b] = [lab.host('a'), lab.host('b')];
    for (const host of [a, b]) lab.connect(host, 'eth0', lan);
    const [atA, atB] = [new EventEmitter(), new EventEmitter()];
    using socketA = open(a, new EventEmitter());
    using _otherAtA = open(a, atA);
    using socketB = open(b, atB);
    const [firstAtA, firstAtB] = [once(atA, 'frame'), once(atB, 'frame')];
    socketA.send(frameOf(1));
    assert.deepEqual([...(await firstAtB)[0]], [...frameOf(1)]);
    socketB.send(frameOf(2));
    assert.deepEqual([...(await firstAtA)[0]], [...frameOf(2)]);
  });

  test('frames that the filter refuses are not told', {
    timeout: 20_000,
  }, async () => {
    await using lab = await createLab();
    const lan = lab.segment('lan');
    const [a, b] = [lab.host('a'), lab.host('b')];
    for (const host of [a, b]) lab.connect(host, 'eth0', lan);
    const atB = new EventEmitter();
    using socketA = open(a, new EventEmitter());
    using _socketB = open(b, atB, [
      [BPF_LD_B, 0, 0, 14],
      [BPF_JEQ, 0, 1, 7],
      [BPF_RET, 0, 0, 0xffff],
      [BPF_RET, 0, 0, 0],
    ]);
    const arrival = once(atB, 'frame');
    for (const byte of [5, 6, 7]) socketA.send(frameOf(byte));
    assert.equal((await arrival)[0][14], 7);
  });

  test('a socket goes on after its interface was down', { timeout: 20_000 }, async () => {
    await using lab = await createLab();
    const lan = lab.segment('lan');
    const [a, b] = [lab.host('a'), lab.host('b')];
    for (const host of [a, b]) lab.connect(host, 'eth0', lan);
    const atB = new EventEmitter();
    using socketA = open(a, new EventEmitter());
    using socketB = open(b, atB);
    b.ip('link set eth0 down');
    assert.throws(
      () => socketB.send(frameOf(1)),
      (error) => error instanceof SystemError && error.code === 'ENETDOWN',
    );
    // The error that the kernel left on the socket is an event of its own: let it be read before the link is back.
    await new Promise((resolve) => setTimeout(resolve, 20));
    b.ip('link set eth0 up');
    const arrival = once(atB, 'frame');
    const again = setInterval(() => socketA.send(frameOf(2)), 10);
    try {
      assert.equal((await arrival)[0][14], 2);
    } finally {
      clearInterval(again);
    }
  });

  test('multicast addresses are joined and left on the interface', { timeout: 20_000 }, async () => {
    await using lab = await createLab();
    const a = lab.host('a');
    lab.connect(a, 'eth0', lab.segment('lan'));
    using socket = open(a, new EventEmitter());
    const group = Uint8Array.of(0x33, 0x33, 0xff, 0, 2, 1);
    const joined = (): boolean =>
      a.exec(['ip', 'maddress', 'show', 'dev', 'eth0']).stdout.includes('33:33:ff:00:02:01');
    socket.addMulticast(group);
    assert.equal(joined(), true);
    socket.removeMulticast(group);
    assert.equal(joined(), false);
  });

  test('an interface that is not there is an error', async () => {
    assert.throws(
      () => openPacketSocket({ interfaceIndex: 9999, protocol: everything, onFrame: () => {} }),
      (error) => error instanceof SystemError && error.code === 'ENODEV',
    );
  });
});
