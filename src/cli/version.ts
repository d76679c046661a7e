// `gantry version`: the versions of Gantry, Node.js and the kernel.
import { machine, release, type } from 'node:os';
import { Command } from 'commander';
import { version } from '../observe/version.ts';
import { type OutputFormat, outputOption } from './options.ts';

export function versionCommand(): Command {
  return new Command('version')
    .description('Prints the versions of Gantry, Node.js and the kernel.')
    .addOption(outputOption())
    .action(({ output }: { readonly output: OutputFormat }) => {
      const versions = {
        version,
        node: process.versions.node,
        kernel: `${type()} ${release()} ${machine()}`,
      };
      process.stdout.write(
        output === 'json'
          ? `${JSON.stringify(versions)}\n`
          : `gantry   ${versions.version}\nnode     ${versions.node}\nkernel   ${versions.kernel}\n`,
      );
    });
}
