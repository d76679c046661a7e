// Heartbeats on their way out and in: under which key, to whom, and numbered.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Heartbeat,
  type HeartbeatError,
  type HeartbeatKey,
  heartbeatKey,
  readHeartbeat,
  writeHeartbeat,
} from '../announce/membership/message.ts';
import type { HeartbeatSession } from '../announce/membership/session.ts';
import type { Address } from '../model/address.ts';
import type { Log } from '../observe/log.ts';

export interface Heartbeats {
  configure(peers: readonly Address[], keyFile: string): void;
  /** There are others, and no key to hear them or to be heard by them. */
  readonly isDeaf: boolean;
  /** Reads the key again where it could not be read. */
  retry(): void;
  send(news: Omit<Heartbeat, 'bootId' | 'sequence'>): void;
  /** Undefined while there is no key. */
  read(message: Uint8Array): Heartbeat | HeartbeatError | undefined;
}

export function createHeartbeats(session: Pick<HeartbeatSession, 'send'>, log: Log): Heartbeats {
  // A later start's number is greater, unless the clock was set back.
  const bootId = (BigInt(Date.now()) << 16n) | BigInt(randomBytes(2).readUInt16BE());
  let sequence = 0n;
  let peers: readonly Address[] = [];
  let keyFile = '';
  let key: HeartbeatKey | undefined;
  /** The file that the key is of. */
  let keyIsOf = '';

  /** Undefined, or what is wrong: then the key that it had, if any, still serves. Alone it needs none. */
  const readKey = (): unknown => {
    if (peers.length === 0 || keyIsOf === keyFile) return undefined;
    try {
      const secret = readFileSync(keyFile);
      if (secret.length === 0) return new Error('the file is empty');
      key = heartbeatKey(secret);
      keyIsOf = keyFile;
      return undefined;
    } catch (error) {
      return error;
    }
  };

  return {
    configure(addresses, file) {
      peers = addresses;
      keyFile = file;
      const error = readKey();
      if (error === undefined) return;
      log.error('key-unreadable', {
        file,
        error,
        next: 'Let pulse read the key file: without a key it hears no other node, and answers for nothing.',
      });
    },
    get isDeaf() {
      return key === undefined && peers.length > 0;
    },
    retry() {
      readKey();
    },
    send(news) {
      if (key === undefined) return;
      for (const family of ['IPv4', 'IPv6'] as const) {
        const to = peers.filter((address) => address.family === family);
        if (to.length === 0) continue;
        session.send(writeHeartbeat({ ...news, bootId, sequence: ++sequence }, key), to);
      }
    },
    read: (message) => key && readHeartbeat(message, key),
  };
}
