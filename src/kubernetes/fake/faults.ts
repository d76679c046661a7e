// What the fake API server may do wrong, each as data, chosen at random from a seed.

/** Instead of an answer, or in the middle of one. */
export type AnswerFault =
  | { readonly kind: 'refuse'; readonly status: number; readonly retryAfterSeconds?: number }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection is closed without an answer. */
  | { readonly kind: 'drop' }
  /** The request is read, and nothing is ever said. */
  | { readonly kind: 'silence' }
  /** The connection is closed after a part of the body. */
  | { readonly kind: 'truncate'; readonly share: number }
  /** The rest never comes, and the connection stays. */
  | { readonly kind: 'stall'; readonly share: number }
  /** The body ends as if it were whole. */
  | { readonly kind: 'end-early'; readonly share: number }
  | { readonly kind: 'garble'; readonly share: number }
  /** It comes a few bytes at a time. */
  | { readonly kind: 'trickle'; readonly bytes: number };

/** Within a watch, after so many lines. */
export interface WatchFault {
  readonly kind:
    | 'cut'
    | 'half-a-line'
    /** The connection stays, and nothing comes any more. */
    | 'hush'
    | 'repeat-last'
    | 'repeat-older'
    /** The next two lines come the other way round. */
    | 'swap'
    /** The same, and then the connection is cut before anything else tells. */
    | 'swap-and-cut'
    | 'garble'
    | 'expired'
    | 'error'
    | 'end';
  readonly afterLines: number;
}

/** Asked at each request; undefined: all goes well. */
export interface Faults {
  answer(request: string): AnswerFault | undefined;
  watch(request: string): WatchFault | undefined;
}

export const noFaults: Faults = { answer: () => undefined, watch: () => undefined };

export interface RandomFaults extends Faults {
  /** From now on all goes well, but for what has been begun. */
  end(): void;
}

/** Of the answers a third is hit, of the watches most are. `note` hears of each. */
export function randomFaults(random: () => number, note: (text: string) => void): RandomFaults {
  let isOver = false;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // never empty here
  const answers: readonly (() => AnswerFault)[] = [
    () => ({ kind: 'refuse', status: pick([429, 500, 503, 504, 401, 403, 410, 404, 400]) }),
    () => ({ kind: 'refuse', status: 429, retryAfterSeconds: 1 }),
    () => ({ kind: 'delay', milliseconds: random() * 30 }),
    () => ({ kind: 'drop' }),
    () => ({ kind: 'silence' }),
    () => ({ kind: 'truncate', share: random() }),
    () => ({ kind: 'stall', share: random() }),
    () => ({ kind: 'end-early', share: random() }),
    () => ({ kind: 'garble', share: random() }),
    () => ({ kind: 'trickle', bytes: 1 + Math.floor(random() * 500) }),
  ];
  const watches: readonly WatchFault['kind'][] = [
    ...(['cut', 'half-a-line', 'hush', 'repeat-last', 'repeat-older', 'swap', 'swap-and-cut'] as const),
    ...(['garble', 'expired', 'error', 'end'] as const),
  ];
  const told = <F extends AnswerFault | WatchFault>(request: string, fault: F): F => {
    note(`${request}: ${JSON.stringify(fault)}`);
    return fault;
  };
  return {
    answer: (request) => (isOver || random() > 0.33 ? undefined : told(request, pick(answers)())),
    watch: (request) =>
      isOver || random() > 0.8
        ? undefined
        : told(request, { kind: pick(watches), afterLines: Math.floor(random() * 12) }),
    end() {
      isOver = true;
    },
  };
}
