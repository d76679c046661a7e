// `gantry members`: who hears whom, whose majority decides, and how near this node's leases come to running out.
import { Command } from 'commander';
import { countHoldings } from '../model/share.ts';
import type { FromPulse } from '../pulse/link.ts';
import { exitCodes } from './exit-code.ts';
import { isAllHeard, type Membership, membersAsJson, renderMembers } from './members/render.ts';
import { type OutputFormat, outputOption, runDirOption } from './options.ts';
import { talkToPulse } from './pulse-talk.ts';

interface Options {
  readonly runDir: string;
  readonly output: OutputFormat;
}

export const membersCommand = (): Command =>
  new Command('members')
    .description(
      "Shows the members of the cluster as this machine's pulse sees them: who hears whom, who votes, and how much was left of its leases. Exit code 1 if a member is not heard, or no majority is.",
    )
    .addOption(runDirOption())
    .addOption(outputOption())
    .action(members);

/** Pulse tells of its leases once a second. */
const patienceMilliseconds = 2500;

async function members({ runDir, output }: Options): Promise<void> {
  const heard: Partial<Membership> = {};
  const membership = await talkToPulse(
    { runDirectory: runDir, timeoutMilliseconds: patienceMilliseconds },
    (message) => hear(heard, message),
    () => 'pulse has answered, but said nothing of the members: its agent has not told it of any yet',
  );
  process.exitCode = isAllHeard(membership) ? exitCodes.ok : exitCodes.failed;
  process.stdout.write(
    output === 'json' ? membersAsJson(membership) : renderMembers(membership, process.stdout),
  );
}

function hear(heard: Partial<Membership>, message: FromPulse): Membership | undefined {
  if (message.type === 'hello') Object.assign(heard, { node: message.node, version: message.version });
  if (message.type === 'members') Object.assign(heard, { members: message });
  if (message.type === 'owned')
    Object.assign(heard, { owned: countHoldings(message.upserts.map(({ address }) => address)) });
  if (message.type === 'leases') Object.assign(heard, { leases: message });
  const { version, members: told, owned } = heard;
  if (version === undefined || told === undefined || told.members.length === 0 || owned === undefined)
    return undefined;
  const isAlone = told.members.length === 1;
  return isAlone || heard.leases !== undefined || told.electorate.length === 0
    ? { node: heard.node, version, members: told, owned, leases: heard.leases }
    : undefined;
}
