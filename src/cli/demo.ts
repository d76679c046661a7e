// gantry demo: the main job on real packets, in namespaces that vanish with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command, Option } from 'commander';
import { playBgpDemo } from '../../lab/demo/bgp-demo.ts';
import { playDemo } from '../../lab/demo/demo.ts';
import { keepLab } from '../../lab/demo/keep.ts';
import { createScreen } from '../../lab/demo/screen.ts';
import { missingFrr } from '../../lab/frr.ts';
import { createLab, insideLab } from '../../lab/lab.ts';
import { enterScript, gantryCommand } from '../../lab/program.ts';
import { exitCodes, fail } from './exit-code.ts';
import { type OutputFormat, outputOption } from './options.ts';

interface Options {
  readonly mode: 'l2' | 'bgp';
  readonly output: OutputFormat;
  readonly keep: boolean;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Builds a LAN with three nodes and a client behind a router, gives a Service an address, kills a node that answers for it.',
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'how the address is announced: on layer 2, or by BGP to FRR on the router (needs FRR, and root)',
      )
        .choices(['l2', 'bgp'])
        .default('l2'),
    )
    .addOption(outputOption())
    .option('--keep', 'stay up afterwards, and tell what to try', false)
    .action(async (options: Options) => {
      const obstacle = options.mode === 'bgp' ? obstacleToBgp() : undefined;
      if (obstacle !== undefined) return fail(obstacle);
      process.exitCode = insideLab() ? await run(options) : await reenter();
    });
}

/** FRR's daemons change their group, which only root may. */
const obstacleToBgp = (): string | undefined =>
  missingFrr() ?? (process.getuid?.() === 0 ? undefined : 'FRR starts as root only: run it by sudo');

/** Runs the same command again, inside private namespaces. */
async function reenter(): Promise<number> {
  const child = spawn(enterScript, gantryCommand(...process.argv.slice(2)), { stdio: 'inherit' });
  // The child gets the terminal's Ctrl-C itself, and tidies up. Killing it takes the lab with it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? exitCodes.failed;
}

async function run({ mode, output, keep }: Options): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const screen = createScreen();
  await using lab = await createLab();
  const play = mode === 'bgp' ? playBgpDemo : playDemo;
  const { scene, result, tries } = await play(lab, screen);
  screen.line('');
  screen.check(result.ok, result.ok ? 'All of it held.' : 'Not all of it held: see the crosses above.');
  if (output === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
  if (keep) await keepLab(scene, tries, screen, interrupted.signal);
  return result.ok ? exitCodes.ok : exitCodes.failed;
}
