// A peer for tests, on loopback: opens a session with whoever connects, and keeps the table that it is told.
import { connect, createServer, type Socket } from 'node:net';
import { ourOpen } from '../../announce/bgp/agreement.ts';
import type { Attribute } from '../../announce/bgp/attribute.ts';
import { keepalive, type Message, readMessage, writeMessage } from '../../announce/bgp/message.ts';
import type { PeerSettings } from '../../announce/bgp/settings.ts';
import { frames, newStream } from '../../announce/bgp/stream.ts';
import { endOfRibOf, routesOf } from '../../announce/bgp/update.ts';
import { formatCidr } from '../../model/address.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { PeerConfiguration } from './peer-configuration.ts';

export interface ModelPeer extends AsyncDisposable {
  readonly port: number;
  /** By prefix; a session's end empties it. */
  readonly table: ReadonlyMap<string, readonly Attribute[]>;
  /** All that it heard, as `open`, `end-of-rib IPv4`, `notification 6/2`, `closed` …, keepalives left out. */
  readonly heard: readonly string[];
  /** Connects to a port of loopback by itself. */
  dial(port: number): void;
  say(message: Message): void;
  sayBytes(bytes: Uint8Array): void;
  reset(): void;
  /** Reads nothing from now on. */
  freeze(): void;
  thaw(): void;
}

export const modelSettings: PeerSettings = {
  localAsn: 64501,
  peerAsn: 64500,
  routerId: 0xc00002fe,
  families: ['IPv4'],
  extendedNextHop: false,
  addPath: [],
  holdTimeSeconds: 90,
  keepaliveSeconds: 30,
  connectRetrySeconds: 1,
  isPassive: true,
  role: undefined,
  isRoleStrict: false,
  gracefulRestart: undefined,
};

/** Ours, towards the model peer. */
export const configurationOf = (
  { port }: Pick<ModelPeer, 'port'>,
  settings: Partial<PeerSettings> = {},
  more: Partial<PeerConfiguration> = {},
): PeerConfiguration => ({
  name: 'tor',
  settings: {
    ...modelSettings,
    localAsn: 64500,
    peerAsn: 64501,
    routerId: 0xc0000201,
    isPassive: false,
    connectRetrySeconds: 0.05,
    ...settings,
  },
  path: {
    peer: sampleAddress('127.0.0.1'),
    peerPort: port,
    local: undefined,
    device: undefined,
    ttl: 64,
    minimumTtl: undefined,
    password: undefined,
  },
  audience: '',
  listenRange: undefined,
  isDynamic: false,
  ...more,
});

export async function startModelPeer(settings: Partial<PeerSettings> = {}): Promise<ModelPeer> {
  const table = new Map<string, readonly Attribute[]>();
  const heard: string[] = [];
  let current: Socket | undefined;
  const say = (message: Message): void => void current?.write(writeMessage(message));

  const hear = (message: Message): void => {
    if (message.kind === 'open') {
      heard.push('open');
      say(ourOpen({ ...modelSettings, ...settings }, false));
      say(keepalive);
    } else if (message.kind === 'notification') heard.push(`notification ${message.code}/${message.subcode}`);
    else if (message.kind === 'route-refresh') heard.push(`refresh ${message.subtype}`);
    else if (message.kind === 'update') {
      const ended = endOfRibOf(message);
      if (ended !== undefined) heard.push(`end-of-rib ${ended}`);
      const { good, gone } = routesOf(message);
      for (const prefix of good) table.set(formatCidr(prefix), message.attributes);
      for (const prefix of gone) table.delete(formatCidr(prefix));
    }
  };

  const meet = (socket: Socket): void => {
    current = socket;
    const stream = newStream();
    const context = { isFourByteAs: true, isExtended: true, isInternal: false, pathIds: new Set<never>() };
    socket.on('data', (piece: Buffer) => {
      for (const framed of frames(stream, piece, () => true)) {
        const message = 'error' in framed ? framed : readMessage(framed.bytes, context);
        if ('error' in message) heard.push('nonsense');
        else hear(message);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      heard.push('closed');
      if (current === socket) table.clear();
    });
  };
  const server = createServer(meet);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    table,
    heard,
    dial: (port) => meet(connect(port, '127.0.0.1')),
    say,
    sayBytes: (bytes) => void current?.write(bytes),
    reset: () => void current?.resetAndDestroy(),
    freeze: () => void current?.pause(),
    thaw: () => void current?.resume(),
    async [Symbol.asyncDispose]() {
      current?.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
