// After the demo, with --keep: the lab stays, with a shell inside it and a command for each host.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gantryCommand } from '../program.ts';
import type { Scene } from './scene.ts';
import type { Screen } from './screen.ts';

/** Resolves when the person leaves the shell, or, without a terminal, with the signal. */
export async function keepLab(
  { lab, gantry }: Scene,
  tries: readonly string[],
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  const commands = join(lab.directory, 'bin');
  mkdirSync(commands);
  const write = (name: string, line: string): void => {
    writeFileSync(join(commands, name), `#!/bin/sh\nexec ${line} "$@"\n`);
    chmodSync(join(commands, name), 0o755);
  };
  write('gantry', `env GANTRY_FOLDER=${quote(gantry.folder)} ${gantryCommand().map(quote).join(' ')}`);
  for (const host of lab.hosts.values()) write(host.name, `nsenter --net=${host.namespace} --`);

  screen.chapter('The lab stays. Try');
  for (const line of [...tries, `ls -A ${gantry.folder} ${join(gantry.folder, '.status')}`]) {
    screen.line(line);
  }
  const environment = {
    ...process.env,
    PATH: `${commands}:${process.env['PATH']}`,
  };
  if (!process.stdin.isTTY) {
    screen.line(`Each is in ${commands}, which only the lab sees: enter it by`);
    screen.line('nsenter --mount --net --pid --target (the process id of "demo --keep")');
    screen.line('End with Ctrl-C.');
    if (!signal.aborted) await once(signal, 'abort');
    return;
  }
  screen.line('exit  (the lab vanishes)');
  const shell = spawn(process.env['SHELL'] ?? 'sh', {
    stdio: 'inherit',
    env: { ...environment, PS1: 'lab$ ' },
  });
  await once(shell, 'exit');
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
