// Classic BPF programs: what they let through is received, the rest never wakes the process.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { attachFilter, BPF_JEQ, BPF_LD_B, BPF_RET, type BpfInstruction } from './bpf-filter.ts';
import { SystemError } from './errno.ts';
import { AF_INET, bind, close, receive, SOCK_DGRAM, socket } from './libc.ts';

/** A datagram's filter sees the UDP header first: the payload begins at 8. */
const onlyWhatBeginsWith = (character: string): BpfInstruction[] => [
  [BPF_LD_B, 0, 0, 8],
  [BPF_JEQ, 0, 1, character.charCodeAt(0)],
  [BPF_RET, 0, 0, 0xffff],
  [BPF_RET, 0, 0, 0],
];

test('a socket receives only what its filter lets through', { timeout: 10_000 }, async () => {
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  try {
    attachFilter(fd, onlyWhatBeginsWith('y'));
    // struct sockaddr_in: a port of this process's own, on the loopback address.
    const port = 20_000 + (process.pid % 20_000);
    const address = new Uint8Array(16);
    address.set([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1]);
    bind(fd, address);
    const sender = createSocket('udp4');
    for (const text of ['no', 'yes', 'nay', 'yea']) {
      await new Promise((resolve) => sender.send(text, port, '127.0.0.1', resolve));
    }
    sender.close();
    const received: string[] = [];
    const buffer = new Uint8Array(100);
    for (let length = receive(fd, buffer); length !== undefined; length = receive(fd, buffer)) {
      received.push(Buffer.from(buffer.subarray(0, length)).toString());
    }
    assert.deepEqual(received, ['yes', 'yea']);
  } finally {
    close(fd);
  }
});

test('a program that the kernel refuses is an error', () => {
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  try {
    assert.throws(
      () => attachFilter(fd, [[BPF_LD_B, 0, 0, 0]]),
      (error) => error instanceof SystemError && error.code === 'EINVAL',
    );
  } finally {
    close(fd);
  }
});
