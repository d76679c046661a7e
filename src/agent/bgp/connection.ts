// One TCP connection of a BGP session: bytes out while the socket takes them, pieces of the stream in, and an end in words.
import type { Socket } from 'node:net';
import { type Address, parseAddress } from '../../model/address.ts';

export interface Connection {
  /** Our own address, which is the next hop of its family. */
  readonly local: Address;
  /** Bytes that the kernel has not taken yet. */
  readonly waitingBytes: number;
  send(bytes: Uint8Array): void;
  /** What was sent goes out first, as far as the peer takes it; the handlers are not called any more. */
  close(): void;
}

export interface ConnectionHandlers {
  received(piece: Uint8Array): void;
  /** Bytes waited, and all are with the kernel now. */
  drained(): void;
  /** By the peer, or broken. */
  closed(text: string): void;
}

/** Makes it of a socket that is connected; undefined where that is dead already. */
export type OpenConnection = (handlers: ConnectionHandlers) => Connection | undefined;

export const openerOf =
  (socket: Socket): OpenConnection =>
  (handlers) =>
    createConnection(socket, handlers);

/** How long a peer that does not read keeps us from closing. */
const lingerMilliseconds = 1000;

function createConnection(socket: Socket, handlers: ConnectionHandlers): Connection | undefined {
  const local = parseAddress((socket.localAddress ?? '').replace(/%.*$/, ''));
  let isOpen = true;
  let failure: string | undefined;
  socket.on('data', (piece) => {
    if (isOpen && typeof piece !== 'string') handlers.received(piece);
  });
  socket.on('error', (error) => {
    failure = closeText('code' in error ? String(error.code) : error.message);
  });
  socket.on('end', () => {
    failure ??= 'the peer closed it';
    socket.destroy();
  });
  socket.on('close', () => {
    if (!isOpen) return;
    isOpen = false;
    handlers.closed(failure ?? 'it was closed');
  });
  // Not by 'drain', which comes only after more waited than Node's own mark.
  let hasWaited = false;
  const written = (): void => {
    if (!isOpen || !hasWaited || socket.writableLength > 0) return;
    hasWaited = false;
    handlers.drained();
  };
  if (local === undefined) {
    isOpen = false;
    socket.destroy();
    return undefined;
  }
  return {
    local,
    get waitingBytes() {
      return socket.writableLength;
    },
    send(bytes) {
      if (!isOpen) return;
      socket.write(bytes, written);
      hasWaited ||= socket.writableLength > 0;
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      socket.end();
      setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
    },
  };
}

function closeText(code: string): string {
  switch (code) {
    case 'ECONNRESET':
      return 'the peer reset it';
    case 'EPIPE':
      return 'the peer had closed it';
    case 'ETIMEDOUT':
      return 'the peer does not answer any more';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'the peer cannot be reached any more';
    default:
      return code;
  }
}
