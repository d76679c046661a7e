// `gantry migrate --from metallb`: what changes with Gantry in a cluster that runs MetalLB, and the steps to get there.
import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { exitCodes } from './exit-code.ts';
import { readMetalLb } from './migrate/read-metallb.ts';
import { changesNothing, renderReport, reportAsJson, reportOn } from './migrate/report.ts';
import { savedText } from './migrate/saved.ts';
import { type OutputFormat, outputOption } from './options.ts';
import { clusterOptions, findOrigin, type OriginOptions } from './origin.ts';

interface MigrateOptions extends OriginOptions {
  readonly from: 'metallb';
  readonly save?: string;
  readonly output: OutputFormat;
}

const metalLbNamespace = 'metallb-system';

export function migrateCommand(): Command {
  const command = new Command('migrate').description(
    'Tells of each Service, and of each object that configures MetalLB, what would change with Gantry, and the steps in which no address is lost. Reads only. Exit code 1 if anything would change.',
  );
  command.addOption(
    new Option('--from <load-balancer>', 'what serves the Services now')
      .choices(['metallb'])
      .makeOptionMandatory(),
  );
  for (const option of clusterOptions())
    command.addOption(option.long === '--namespace' ? option.default(metalLbNamespace) : option);
  return command
    .option('--save <file>', 'write all objects that configure MetalLB to the file, to be applied again')
    .addOption(outputOption())
    .action(migrate);
}

async function migrate({ save, output, ...options }: MigrateOptions): Promise<void> {
  const origin = await findOrigin(options, 'person');
  if (origin?.kind !== 'kubernetes') return;
  const metallb = await readMetalLb(origin);
  if (save !== undefined) {
    // Peers may have passwords in them.
    writeFileSync(save, savedText(metallb.objects), { mode: 0o600 });
    process.stderr.write(`saved to ${save}\n`);
  }
  const report = reportOn(metallb);
  process.stdout.write(output === 'json' ? reportAsJson(report) : renderReport(report, process.stdout));
  process.exitCode = changesNothing(report) ? exitCodes.ok : exitCodes.failed;
}
