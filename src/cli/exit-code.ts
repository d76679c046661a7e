// The exit codes of every command.

export const exitCodes = {
  ok: 0,
  /** It failed, or it found a problem. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
} as const;

/** Says on standard error what failed and what to do, and makes the process end with the code once its work is done. */
export function fail(message: string, code: number = exitCodes.failed): void {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = code;
}
