// The program `gantry`: finds the command, loads it alone, and turns every failure into a message and an exit code.
import { Command, CommanderError } from 'commander';
import { keepProcessSmall } from '../observe/small-process.ts';
import { version } from '../observe/version.ts';
import { exitCodes } from './exit-code.ts';

export interface CommandEntry {
  readonly name: string;
  /** For the table of `gantry --help`. */
  readonly summary: string;
  /** The heading it stands under there. */
  readonly group: string;
  /** It runs on every node beside what the nodes are there for, so it keeps itself small. */
  readonly isResident?: boolean;
  /** Only what is asked for is loaded: agents stay small, and `gantry version` quick. */
  readonly load: () => Promise<Command>;
}

/** Runs the command that `process.argv` names. Exit codes: 0 ok, 1 failed or found a problem, 2 wrong usage. */
export async function runProgram(entries: readonly CommandEntry[]): Promise<void> {
  process.stdout.on('error', leaveQuietly);
  try {
    await (await createProgram(entries)).parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

async function createProgram(entries: readonly CommandEntry[]): Promise<Command> {
  const program = new Command('gantry')
    .description('A load balancer for Kubernetes on bare metal, and for a folder of manifests.')
    .version(version)
    .helpCommand('help [command]', 'help for a command')
    .exitOverride()
    .showHelpAfterError('(gantry --help lists the commands; gantry COMMAND --help its options)');
  for (const { name, summary, group, isResident = false, load } of entries) {
    if (isResident && process.argv[2] === name) keepProcessSmall();
    const command = process.argv.includes(name) ? await load() : new Command(name);
    program.addCommand(inheriting(command.summary(summary).helpGroup(group), program));
  }
  return program;
}

/** Commands that were made apart do not take over the parent's settings by themselves. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheriting(child, command);
  return command;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`error: ${message}\n`);
  if (wantsStacks(process.argv) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCodes.failed;
}

const wantsStacks = (argv: readonly string[]): boolean =>
  argv.includes('--log-level=debug') || argv[argv.indexOf('--log-level') + 1] === 'debug';

/** Whoever read our output has seen enough of it, as in `gantry status | head`. */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
}
