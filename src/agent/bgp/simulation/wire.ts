// TCP in simulations: two ends, bytes in order after a while and in pieces of any size, a window that a reader who does not
// read lets run full, and ways to end that only one side hears of.
import { sampleAddress } from '../../../model/sample.ts';
import type { Connection, ConnectionHandlers } from '../connection.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface WireEnd {
  /** The program takes the connection. */
  open(handlers: ConnectionHandlers): Connection;
  /** Its program reads nothing from now on, or reads again. */
  setReading(isReading: boolean): void;
  /** Its machine is gone: nobody hears of it until he sends. */
  vanish(): void;
  /** RST to both. */
  reset(): void;
  readonly isOpen: boolean;
}

export interface Wires {
  /** Nothing passes until it is mended; then all that waited does. */
  isCut: boolean;
  /** Two ends; what is sent before the other has opened its end waits. */
  connect(): readonly [WireEnd, WireEnd];
  /** Ends that a program holds open. */
  readonly open: number;
}

/** On its way and not read: what two kernels hold. */
const windowBytes = 4000;
const address = sampleAddress('192.0.2.11');
const retransmissionMilliseconds = 200;

export function createWires(clock: VirtualClock, random: () => number): Wires {
  const ends = new Set<End>();

  class End implements WireEnd {
    other: End = this;
    handlers: ConnectionHandlers | undefined;
    isOpen = false;
    #isGone = false;
    #isReading = true;
    /** Sent by our program, not with the kernel. */
    #waiting: Uint8Array[] = [];
    /** Come, in order, and not read. */
    #arrived: Uint8Array[] = [];
    /** Sent to us, on its way or not read. */
    unread = 0;
    #lastArrival = 0;
    readonly #inOrder: (Uint8Array | 'end')[] = [];
    #hasWaited = false;

    open(handlers: ConnectionHandlers): Connection {
      this.handlers = handlers;
      this.isOpen = true;
      ends.add(this);
      clock.after(0, () => this.#read());
      const end = this;
      return {
        local: address,
        get waitingBytes() {
          return sizeOf(end.#waiting);
        },
        send(bytes) {
          if (!end.isOpen) return;
          end.#waiting.push(bytes);
          end.#push();
          end.#hasWaited ||= end.#waiting.length > 0;
        },
        close() {
          if (!end.isOpen) return;
          end.#forget();
          end.#send('end');
        },
      };
    }

    setReading(isReading: boolean): void {
      this.#isReading = isReading;
      if (isReading) this.#read();
    }

    vanish(): void {
      this.#isGone = true;
      this.#forget();
    }

    reset(): void {
      for (const end of [this, this.other]) end.#closedBy('the peer reset it');
    }

    #forget(): void {
      this.isOpen = false;
      ends.delete(this);
    }

    #closedBy(text: string): void {
      const { handlers } = this;
      if (!this.isOpen) return;
      this.#forget();
      this.#isGone = true;
      handlers?.closed(text);
    }

    /** To the other end, after what went before it. */
    #later(act: () => void): void {
      const at = Math.max(clock.now + 1 + random() * 20, this.#lastArrival);
      this.#lastArrival = at;
      const arrive = (): void => {
        if (wires.isCut) clock.after(retransmissionMilliseconds, arrive);
        else act();
      };
      clock.after(at - clock.now, arrive);
    }

    #send(what: Uint8Array | 'end'): void {
      this.#inOrder.push(what);
      this.#later(() => this.#arriveNext());
    }

    #push(): void {
      let piece = this.#waiting[0];
      for (; piece !== undefined && this.other.unread < windowBytes; piece = this.#waiting[0]) {
        const size = Math.min(piece.length, 1 + Math.floor(random() * 3000));
        const sent = piece.subarray(0, size);
        if (size === piece.length) this.#waiting.shift();
        else this.#waiting[0] = piece.subarray(size);
        this.other.unread += size;
        this.#send(sent);
      }
      if (!this.#hasWaited || this.#waiting.length > 0) return;
      this.#hasWaited = false;
      clock.after(0, () => this.isOpen && this.handlers?.drained());
    }

    #arriveNext(): void {
      const piece = this.#inOrder.shift();
      const { other } = this;
      if (piece === undefined) return;
      if (piece === 'end') other.#closedBy('the peer closed it');
      else if (other.#isGone) this.#later(() => this.#closedBy('the peer reset it'));
      else {
        other.#arrived.push(piece);
        other.#read();
      }
    }

    #read(): void {
      if (!this.#isReading) return;
      while (this.isOpen) {
        const piece = this.#arrived.shift();
        if (piece === undefined) break;
        this.unread -= piece.length;
        this.handlers?.received(piece);
      }
      this.other.#push();
    }
  }

  const wires: Wires = {
    isCut: false,
    connect() {
      const [one, other] = [new End(), new End()];
      one.other = other;
      other.other = one;
      return [one, other];
    },
    get open() {
      return ends.size;
    },
  };
  return wires;
}

const sizeOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);
