// How to start Gantry's own program, and the lab's small ones, from a checkout and from the bundle alike.
import { join } from 'node:path';

const here = import.meta.filename;
const main = here.endsWith('.mjs') ? here : join(import.meta.dirname, '../src/main.ts');

/** The command line of `gantry ARGUMENTS`, run by this process's own Node. */
export const gantryCommand = (...args: readonly string[]): [string, ...string[]] => [
  process.execPath,
  main,
  ...args,
];
