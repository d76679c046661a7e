// The bytes of a BGP session again, without anybody who thinks: `bgp-replay.ts record PORT PEER FILE` passes on one session
// from a port of loopback, and keeps what its client said; `bgp-replay.ts replay PEER FILE` says it again, ready-made: on
// `announce` the OPEN, then the UPDATEs up to End-of-RIB in one piece, on `withdraw` those that came after.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const bgpPort = 179;
const open = 1;
const update = 2;
const keepalive = 4;
const endOfRibLength = 23;

const [, , mode, ...rest] = process.argv;
if (mode === 'record') record(Number(rest[0]), rest[1] ?? '', rest[2] ?? '');
else await replay(rest[0] ?? '', rest[1] ?? '');

/** Writes the file when the client closes. */
function record(port: number, peer: string, file: string): void {
  const server = createServer((client) => {
    const said: Buffer[] = [];
    const onward = connect(bgpPort, peer);
    client.on('data', (piece: Buffer) => said.push(piece));
    client.pipe(onward);
    onward.pipe(client);
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
    client.on('close', () => {
      onward.destroy();
      const whole = Buffer.concat(said);
      // A session that the peer was not ready for is tried again.
      if (whole.length < 1000) return;
      writeFileSync(file, whole);
      server.close();
    });
  });
  server.listen(port, '127.0.0.1', () => process.stdout.write('0\n'));
}

async function replay(peer: string, file: string): Promise<void> {
  const messages = messagesOf(readFileSync(file));
  const updates = messages.filter((one) => typeOf(one) === update);
  const end = updates.findIndex(({ length }) => length === endOfRibLength) + 1;
  const hello = Buffer.concat(messages.filter((one) => typeOf(one) === open).slice(0, 1));
  const alive = Buffer.concat(messages.filter((one) => typeOf(one) === keepalive).slice(0, 1));
  const table = Buffer.concat(updates.slice(0, end));
  const farewell = Buffer.concat(updates.slice(end));
  const tell = (): void => {
    const { user, system } = process.cpuUsage();
    process.stdout.write(`${(user + system) / 1000}\n`);
  };
  tell();
  let socket = connect(bgpPort, peer);
  socket.destroy();
  for await (const line of createInterface({ input: process.stdin }))
    if (line === 'withdraw') socket.write(farewell, tell);
    else
      for (let isUp = false; !isUp; ) {
        socket = connect({ host: peer, port: bgpPort, noDelay: true });
        isUp = await handshake(socket, hello, alive);
        if (isUp) socket.write(table, tell);
        else await sleep(200);
      }
}

/** False where the peer is not ready for a session. */
function handshake(socket: ReturnType<typeof connect>, hello: Buffer, alive: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    const types = (): number[] => messagesOf(heard).map(typeOf);
    let hasAnswered = false;
    socket.on('connect', () => socket.write(hello));
    socket.on('data', (piece: Buffer) => {
      if (heard.length > 4096) return;
      heard = Buffer.concat([heard, piece]);
      if (!hasAnswered && types().includes(open)) {
        hasAnswered = true;
        socket.write(alive);
      }
      if (types().includes(keepalive)) resolve(true);
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

/** Whole ones: 16 bytes of marker, the length, the type (RFC 4271 §4.1). */
function messagesOf(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  let at = 0;
  while (at + 19 <= bytes.length) {
    const length = bytes.readUInt16BE(at + 16);
    if (at + length > bytes.length) break;
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}

function typeOf(message: Buffer): number {
  return message[18] ?? 0;
}
