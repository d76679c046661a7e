// `gantry agent cleanup`: takes back what the agent of this node leaves behind by design.
import { Command } from 'commander';
import { openDiscardTable, replaceTable } from '../agent/bgp/discards.ts';
import { restartMarker } from '../agent/bgp/restart-marker.ts';
import { removeReports, removeTable, stopPulse } from '../agent/cleanup.ts';
import { reportedServices } from '../agent/folder-agent.ts';
import { openDataPlane } from '../agent/host-side.ts';
import { connectPulse, pulseSocketPath } from '../pulse/client.ts';
import { removeFormerOwnerTables } from '../pulse/former-owners.ts';
import { folderStatus } from '../sources/folder-status.ts';
import { fail } from './exit-code.ts';
import type { DataPlaneOption } from './options.ts';

/** Its options are the agent's own. */
interface Options {
  readonly folder?: string;
  readonly node: string;
  readonly runDir: string;
  readonly dataPlane: DataPlaneOption;
}

export const agentCleanupCommand = (): Command =>
  new Command('cleanup')
    .description(
      "Stops the pulse of this node, which hands its addresses over, and removes Gantry's table from the kernel; with --folder also what this node has reported. Stop the agent first. It takes the agent's options.",
    )
    .action((_: object, command: Command) => cleanup(command.optsWithGlobals<Options>()));

async function removeDiscards(): Promise<void> {
  using port = await openDiscardTable();
  const problem = replaceTable(port, []);
  if (problem !== undefined) throw new Error(`the kernel keeps the table inet gantry-discard: ${problem}`);
}

async function cleanup({ folder, node, runDir, dataPlane }: Options): Promise<void> {
  const socket = pulseSocketPath(runDir);
  const end = await stopPulse((handlers) => connectPulse(socket, handlers));
  if (end === 'no-answer') {
    return fail(`pulse does not answer on ${socket}; end its process, then clean up again`);
  }
  process.stdout.write(end === 'stopped' ? 'pulse stopped\n' : `no pulse on ${socket}\n`);
  removeFormerOwnerTables();
  await removeDiscards();
  // Nothing is forwarded any more, so the next agent must not say that all was.
  restartMarker(runDir).set(false);
  if (dataPlane === 'nftables') {
    await removeTable(await openDataPlane(dataPlane));
    process.stdout.write('table inet gantry removed\n');
  }
  if (folder !== undefined) {
    await removeReports(folderStatus(folder), node, {
      ServiceL2Status: await reportedServices(folder, node, 'ServiceL2Status'),
      ServiceBGPStatus: await reportedServices(folder, node, 'ServiceBGPStatus'),
    });
    process.stdout.write(`reports of ${node} removed\n`);
  }
}
