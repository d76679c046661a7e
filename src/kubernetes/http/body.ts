// The body of an answer, piece by piece: unpacked, with an end for the silence, and its failures as values.
import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { codeOf } from './exchange.ts';

/** The body broke off: `timeout` where nothing came for too long, else Node's error code. */
export interface BodyFailure {
  readonly code: string;
}

/**
 * Hands over each piece; `take` may return a promise, for which the next piece waits (and so does the server), or
 * `stop` when it has enough: then the connection is closed. Where `take` throws, so does this.
 */
export async function readPieces(
  response: IncomingMessage,
  pieceMilliseconds: number,
  take: (piece: Uint8Array) => undefined | 'stop' | Promise<undefined | 'stop'>,
): Promise<BodyFailure | undefined> {
  const body = await unpacked(response);
  const pieces: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  let isSilent = false;
  const giveUp = (): void => {
    isSilent = true;
    response.destroy(new Error('nothing came'));
  };
  try {
    for (;;) {
      const timer = setTimeout(giveUp, pieceMilliseconds);
      const piece = await nextOf(pieces);
      clearTimeout(timer);
      if ('code' in piece) return isSilent ? { code: 'timeout' } : piece;
      if (piece.done) return isSilent ? { code: 'timeout' } : undefined;
      if ((await take(piece.value)) === 'stop') return undefined;
    }
  } finally {
    // A no-op where the end was reached, so that the connection can be used again.
    if (!response.complete) response.destroy();
    if (body !== response) body.destroy();
  }
}

async function nextOf(pieces: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array> | BodyFailure> {
  try {
    return await pieces.next();
  } catch (error) {
    return { code: codeOf(error) };
  }
}

async function unpacked(response: IncomingMessage): Promise<Readable> {
  if (response.headers['content-encoding'] !== 'gzip') return response;
  // Loaded when the first answer is packed: watches never are.
  const { createGunzip } = await import('node:zlib');
  // What goes wrong is told to who reads.
  return pipeline(response, createGunzip(), () => {});
}

/** The whole body as text, up to a length: of what is longer, the beginning. */
export async function readText(
  response: IncomingMessage,
  pieceMilliseconds: number,
  mostBytes: number,
): Promise<string | BodyFailure> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const failure = await readPieces(response, pieceMilliseconds, (piece) => {
    pieces.push(piece);
    length += piece.length;
    return length > mostBytes ? 'stop' : undefined;
  });
  return failure ?? Buffer.concat(pieces).toString('utf8');
}
