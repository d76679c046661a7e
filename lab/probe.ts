// What runs in a client of the lab: asks targets again and again, and tells how long they were silent. Each time anew, but
// for a flow: that is one UDP socket for all the time.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

export interface ProbeTarget {
  readonly protocol: 'tcp' | 'udp' | 'flow';
  readonly address: string;
  readonly port: number;
}

export interface ProbeOptions {
  readonly targets: readonly ProbeTarget[];
  readonly intervalMilliseconds: number;
  /** An attempt without an answer for so long has failed. */
  readonly timeoutMilliseconds: number;
  readonly durationMilliseconds: number;
}

export interface ProbeReport {
  readonly target: ProbeTarget;
  readonly attempts: number;
  readonly answered: number;
  readonly failed: number;
  /** The longest time between two answers one after the other; the end of the probe counts as one. */
  readonly outageMilliseconds: number;
  /** When that began: milliseconds of the machine's steady clock (`steadyMilliseconds`). */
  readonly outageStart: number | undefined;
  /** When the first answer came, by the same clock. */
  readonly firstAnswer: number | undefined;
  /** Answers by who gave them. */
  readonly answeredBy: Readonly<Record<string, number>>;
  /** How the failed attempts failed: an errno's name, or `timeout`. */
  readonly failures: Readonly<Record<string, number>>;
}

/** The machine's own steady clock, which all processes share. */
export const steadyMilliseconds = (): number => Number(process.hrtime.bigint()) / 1e6;

interface Tally {
  attempts: number;
  answered: number;
  failed: number;
  outageMilliseconds: number;
  outageStart: number | undefined;
  firstAnswer: number | undefined;
  lastAnswer: number;
  readonly answeredBy: Record<string, number>;
  readonly failures: Record<string, number>;
}

/** One attempt: resolves with the answerer's name, rejects with the failure's. */
type Ask = (target: ProbeTarget, timeoutMilliseconds: number) => Promise<string>;

/** Probes until the time is over or the signal aborts; then one report a target. */
export async function runProbe(options: ProbeOptions, signal: AbortSignal): Promise<ProbeReport[]> {
  const started = steadyMilliseconds();
  const tallies = options.targets.map((target) => ({ target, ask: askOf(target), tally: newTally(started) }));
  const pending = new Set<Promise<void>>();
  const attempt = (): void => {
    for (const { target, ask, tally } of tallies) {
      tally.attempts++;
      const done: Promise<void> = ask(target, options.timeoutMilliseconds)
        .then(
          (answerer) => countAnswer(tally, answerer),
          (failure: unknown) => countFailure(tally, String(failure)),
        )
        .finally(() => pending.delete(done));
      pending.add(done);
    }
  };
  const timer = setInterval(attempt, options.intervalMilliseconds);
  attempt();
  await new Promise<void>((resolve) => {
    const end = setTimeout(resolve, options.durationMilliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(end);
      resolve();
    });
  });
  clearInterval(timer);
  const ended = steadyMilliseconds();
  await Promise.all(pending);
  return tallies.map(({ target, tally }) => {
    noteGap(tally, ended);
    const { lastAnswer: _, ...report } = tally;
    return { target, ...report };
  });
}

const newTally = (now: number): Tally => ({
  attempts: 0,
  answered: 0,
  failed: 0,
  outageMilliseconds: 0,
  outageStart: undefined,
  firstAnswer: undefined,
  lastAnswer: now,
  answeredBy: {},
  failures: {},
});

function noteGap(tally: Tally, now: number): void {
  const gap = now - tally.lastAnswer;
  if (gap <= tally.outageMilliseconds) return;
  tally.outageMilliseconds = gap;
  tally.outageStart = tally.lastAnswer;
}

function countAnswer(tally: Tally, answerer: string): void {
  const now = steadyMilliseconds();
  // Waiting for the very first answer is no outage.
  if (tally.firstAnswer === undefined) tally.firstAnswer = now;
  else noteGap(tally, now);
  tally.lastAnswer = now;
  tally.answered++;
  tally.answeredBy[answerer] = (tally.answeredBy[answerer] ?? 0) + 1;
}

function countFailure(tally: Tally, failure: string): void {
  tally.failed++;
  tally.failures[failure] = (tally.failures[failure] ?? 0) + 1;
}

const askTcp: Ask = ({ address, port }, timeoutMilliseconds) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true });
    const timer = whenOverdue(() => settle(() => reject('timeout')), timeoutMilliseconds);
    let settled = false;
    const settle = (outcome: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      // A reset leaves no TIME_WAIT to run out of ports by; one that is still connecting would only be reset later.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
      outcome();
    };
    socket.on('connect', () => socket.write('who\n'));
    socket.on('data', (data: Buffer) => settle(() => resolve(answererOf(data))));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(() => reject(error.code)));
    socket.on('end', () => settle(() => reject('closed')));
  });

const askUdp: Ask = ({ address, port }, timeoutMilliseconds) =>
  new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const timer = whenOverdue(() => settle(() => reject('timeout')), timeoutMilliseconds);
    let settled = false;
    const settle = (outcome: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      socket.close();
      outcome();
    };
    socket.on('message', (data) => settle(() => resolve(answererOf(data))));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(() => reject(error.code)));
    // Connected, so that a port unreachable is heard of. Without a route `connect` itself fails, as an error event.
    socket.on('connect', () => socket.send('who'));
    socket.connect(port, address);
  });

const askOf = (target: ProbeTarget): Ask =>
  target.protocol === 'tcp' ? askTcp : target.protocol === 'udp' ? askUdp : createFlow(target);

/** Any answer is to the oldest question that has none: only when answers come matters. */
function createFlow({ address, port }: ProbeTarget): Ask {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4').unref();
  const waiting = new Set<(data: Buffer) => void>();
  let isConnected = false;
  socket.on('connect', () => {
    isConnected = true;
  });
  socket.on('message', (data) => {
    const [oldest] = waiting;
    oldest?.(data);
  });
  // A port unreachable is one more question without an answer.
  socket.on('error', () => {});
  socket.connect(port, address);
  return (_target, timeoutMilliseconds) =>
    new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        if (waiting.delete(answered)) outcome();
      };
      const answered = (data: Buffer): void => settle(() => resolve(answererOf(data)));
      const timer = whenOverdue(() => settle(() => reject('timeout')), timeoutMilliseconds);
      waiting.add(answered);
      if (isConnected) socket.send('who');
    });
}

/** An answer that lies in the socket since this process was late itself is read first: timers run before sockets. */
const whenOverdue = (giveUp: () => void, milliseconds: number): NodeJS.Timeout =>
  setTimeout(() => setImmediate(giveUp), milliseconds);

const answererOf = (data: Buffer): string => data.toString().split(' ', 1)[0] ?? '';
