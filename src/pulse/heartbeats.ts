// Messages on their way out and in: under which key, and to which of a member's addresses.
import { readFileSync } from 'node:fs';
import {
  type HeartbeatKey,
  heartbeatKey,
  type MessageError,
  readMessage,
  writeMessage,
} from '../announce/membership/message.ts';
import type { HeartbeatSession } from '../announce/membership/session.ts';
import type { Message } from '../announce/membership/state.ts';
import { type Address, parseAddress } from '../model/address.ts';
import type { Log } from '../observe/log.ts';
import type { LinkMember } from './link.ts';

export interface Heartbeats {
  configure(self: string, members: readonly LinkMember[], keyFile: string): void;
  /** The first is sent under; all are accepted. */
  readonly keys: readonly HeartbeatKey[];
  /** There are others, and no key to hear them or to be heard by them. */
  readonly isDeaf: boolean;
  /** Reads the keys again: they may have been exchanged. Returns whether they were. */
  readKeys(): boolean;
  /** `unanswered`: so many heartbeats to the member before this one were not answered. */
  send(message: Message, unanswered: number): void;
  /** Undefined while there is no key. `from`: where answers are sent to. */
  read(bytes: Uint8Array, from: string): Message | MessageError | undefined;
}

interface Route {
  readonly addresses: readonly Address[];
  /** Which of them was used last. */
  turn: number;
}

/** After so many unanswered heartbeats another of the member's addresses is tried. */
const patientFor = 2;

export function createHeartbeats(session: Pick<HeartbeatSession, 'send'>, log: Log): Heartbeats {
  const routes = new Map<string, Route>();
  let hasPeers = false;
  let keyFile = '';
  let contents = '';
  /** The first is sent under; all are accepted. */
  let keys: readonly HeartbeatKey[] = [];
  let isTold = false;
  /** By text: the same few send all the time. */
  const senders = new Map<string, Address | undefined>();
  /** Where the message that is being answered came from. */
  let answerTo: { readonly node: string; readonly address: Address } | undefined;

  /** What it has read before still serves where the file cannot be read. Alone it needs none. */
  const readKeys = (): boolean => {
    if (!hasPeers) return false;
    try {
      const text = readFileSync(keyFile, 'latin1');
      if (text === contents) return false;
      const read = keysOf(text);
      if (read.length === 0) throw new Error('the file is empty');
      keys = read;
      contents = text;
      isTold = false;
      return true;
    } catch (error) {
      if (!isTold) {
        const next =
          keys.length > 0
            ? 'The key that was read before still serves. Let pulse read the key file.'
            : 'Let pulse read the key file: without a key it hears no other node, and answers for nothing.';
        log.error('key-unreadable', { file: keyFile, error, next });
      }
      isTold = true;
      return false;
    }
  };

  const addressOf = (text: string): Address | undefined => {
    if (senders.size > 1000) senders.clear();
    if (!senders.has(text)) senders.set(text, parseAddress(text));
    return senders.get(text);
  };

  return {
    configure(self, members, file) {
      const others = members.filter(({ name }) => name !== self);
      hasPeers = others.length > 0;
      for (const { name, addresses } of others) {
        const parsed = addresses.map(parseAddress).filter((address) => address !== undefined);
        routes.set(name, { addresses: parsed, turn: routes.get(name)?.turn ?? 0 });
      }
      if (keyFile !== file) isTold = false;
      keyFile = file;
      readKeys();
    },
    get keys() {
      return keys;
    },
    get isDeaf() {
      return keys.length === 0 && hasPeers;
    },
    readKeys,
    send(message, unanswered) {
      const [key] = keys;
      const route = routes.get(message.to);
      if (key === undefined || route === undefined || route.addresses.length === 0) return;
      if (unanswered > patientFor) route.turn = (route.turn + 1) % route.addresses.length;
      const isAnswer = message.kind === 'ack' && answerTo?.node === message.to;
      const to = isAnswer ? answerTo?.address : route.addresses[route.turn % route.addresses.length];
      if (to !== undefined) session.send(writeMessage(message, key), to);
    },
    read(bytes, from) {
      if (keys.length === 0) return undefined;
      const message = readMessage(bytes, keys);
      if ('error' in message) return message;
      const address = addressOf(from);
      answerTo = address && { node: message.from, address };
      return message;
    },
  };
}

/** A line each, so that two can be in use while one gives way to the other; blank ones are none. */
const keysOf = (text: string): HeartbeatKey[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => heartbeatKey(Buffer.from(line, 'latin1')));
