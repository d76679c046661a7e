// gantry demo: the main job on real packets, in namespaces that vanish with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command } from 'commander';
import { playDemo } from '../../lab/demo/demo.ts';
import { keepLab } from '../../lab/demo/keep.ts';
import { createScreen } from '../../lab/demo/screen.ts';
import { createLab, insideLab } from '../../lab/lab.ts';
import { enterScript, gantryCommand } from '../../lab/program.ts';
import { exitCodes } from './exit-code.ts';
import { type OutputFormat, outputOption } from './options.ts';

interface Options {
  readonly output: OutputFormat;
  readonly keep: boolean;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Builds a LAN with three nodes and a client behind a router, gives a Service an address, kills its node.',
    )
    .addOption(outputOption())
    .option('--keep', 'stay up afterwards, and tell what to try', false)
    .action(async (options: Options) => {
      process.exitCode = insideLab() ? await run(options) : await reenter();
    });
}

/** Runs the same command again, inside private namespaces. */
async function reenter(): Promise<number> {
  const child = spawn(enterScript, gantryCommand(...process.argv.slice(2)), { stdio: 'inherit' });
  // The child gets the terminal's Ctrl-C itself, and tidies up. Killing it takes the lab with it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? exitCodes.failed;
}

async function run({ output, keep }: Options): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const screen = createScreen();
  await using lab = await createLab();
  const { scene, result } = await playDemo(lab, screen);
  screen.line('');
  screen.check(result.ok, result.ok ? 'All of it held.' : 'Not all of it held: see the crosses above.');
  if (output === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
  if (keep) await keepLab(scene, screen, interrupted.signal);
  return result.ok ? exitCodes.ok : exitCodes.failed;
}
