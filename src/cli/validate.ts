// `gantry validate DIR`: every problem in a folder of manifests, for people and for scripts.
import { Command } from 'commander';
import { formatProblem, type ObjectProblem } from '../model/problem.ts';
import { listFolder } from '../sources/folder-list.ts';
import { exitCodes } from './exit-code.ts';
import { type OutputFormat, outputOption } from './options.ts';

export interface ValidateOptions {
  readonly output: OutputFormat;
  /** Receives what is printed. */
  readonly write?: (text: string) => void;
  /** Receives why the command could not do its work. */
  readonly complain?: (text: string) => void;
}

/** Prints all problems. Resolves with the exit code: an error is `failed`, no folder to read is `usage`. */
export async function validate(directory: string, options: ValidateOptions): Promise<number> {
  const write = options.write ?? ((text) => process.stdout.write(text));
  const complain = options.complain ?? ((text) => process.stderr.write(text));
  const list = await listFolder(directory);
  if (list === undefined) {
    complain(`error: ${directory} is not a folder: name one that holds manifests.\n`);
    return exitCodes.usage;
  }
  const { problems } = list;
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  if (options.output === 'json') {
    write(
      `${JSON.stringify({ ok: errors === 0, accepted: list.changes.length, errors, warnings, problems })}\n`,
    );
  } else {
    for (const problem of problems) write(`${problemLine(problem)}\n`);
    write(
      `${count(list.changes.length, 'object')} accepted, ${count(errors, 'error')}, ${count(warnings, 'warning')}\n`,
    );
  }
  return errors > 0 ? exitCodes.failed : exitCodes.ok;
}

const problemLine = (problem: ObjectProblem): string =>
  problem.severity === 'error' ? formatProblem(problem) : `${formatProblem(problem)} (warning)`;

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

export const validateCommand = (): Command =>
  new Command('validate')
    .description('print every problem of the manifests in a folder; exit code 1 if one is an error')
    .argument('<directory>', 'the folder to read, with all below it')
    .addOption(outputOption())
    .action(async (directory: string, { output }: { output: OutputFormat }) => {
      process.exitCode = await validate(directory, { output });
    });
