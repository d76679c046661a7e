// How to start Gantry's own program, and the lab's small ones, from a checkout and from the bundle alike.
import { join } from 'node:path';

const here = import.meta.filename;
const isBundle = here.endsWith('.mjs');
const main = isBundle ? here : join(import.meta.dirname, '../src/main.ts');

/** The script that runs a command inside the lab's private namespaces; the bundle has it beside itself. */
export const enterScript = join(import.meta.dirname, isBundle ? 'lab-enter' : 'enter');

/** The command line of `gantry ARGUMENTS`, run by this process's own Node. */
export const gantryCommand = (...args: readonly string[]): [string, ...string[]] => [
  process.execPath,
  main,
  ...args,
];
