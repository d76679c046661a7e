// Logs of the long-lived programs: one JSON object a line, with one event name and its fields.
import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export type LogFields = Readonly<Record<string, unknown>>;

/** Whoever can act on it reads a warning, so it says what to do. */
export type LogFieldsWithAdvice = LogFields & {
  /** The person's next step, as a sentence. */
  readonly next: string;
};

/** Event names are kebab-case and constant; whatever varies is a field. An Error belongs in the field `error`. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields: LogFieldsWithAdvice): void;
  error(event: string, fields: LogFieldsWithAdvice): void;
  /** The same log for a part of the program, with these fields in every line. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** The program: `controller`, `agent`, `pulse`. */
  readonly component: string;
  /** Takes whole lines. Default: standard error, written at once, so that a killed process loses none. */
  readonly destination?: { write(line: string): void };
}

/** `{"level":"info","time":"2026-01-31T12:00:00.000Z","component":"agent","event":"source-complete",…}` */
export function createLog(options: LogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: { component: options.component },
      messageKey: 'event',
      errorKey: 'error',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
  return fromPino(logger);
}

interface PinoLike {
  debug(fields: LogFields, event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
  child(fields: LogFields): PinoLike;
}

const fromPino = (logger: PinoLike): Log => ({
  debug: (event, fields = {}) => logger.debug(fields, event),
  info: (event, fields = {}) => logger.info(fields, event),
  warn: (event, fields) => logger.warn(fields, event),
  error: (event, fields) => logger.error(fields, event),
  with: (fields) => fromPino(logger.child(fields)),
});

/** Drops everything; for tests and for programs whose output is their own. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};
