// Messages out of a TCP stream: pieces of any size go in, whole messages come out.
import { copyOf } from './bytes.ts';
import { messageLength } from './message.ts';
import type { Notification } from './notification.ts';

/** What was received and is not a whole message yet: less than one, so at most 65,535 bytes. */
export interface Stream {
  pending: Uint8Array;
}

export const newStream = (): Stream => ({ pending: new Uint8Array(0) });

export type Framed = { readonly bytes: Uint8Array } | { readonly error: Notification };

/**
 * The whole messages, as bytes to be read at once: they are views of what was received. After an error, which comes
 * last, the stream is of no more use. `isExtended` is asked before each message, as an OPEN among them may change it.
 */
export function* frames(stream: Stream, piece: Uint8Array, isExtended: () => boolean): Generator<Framed> {
  let rest = stream.pending.length === 0 ? piece : Buffer.concat([stream.pending, piece]);
  for (;;) {
    const length = messageLength(rest, isExtended());
    if (typeof length === 'object') {
      stream.pending = new Uint8Array(0);
      yield length;
      return;
    }
    if (length === undefined || length > rest.length) break;
    const bytes = rest.subarray(0, length);
    rest = rest.subarray(length);
    yield { bytes };
  }
  stream.pending = copyOf(rest);
}
