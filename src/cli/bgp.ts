// `gantry bgp`: the peers of the nodes, the routes that they are told, and why an address is announced or not.
import { Command, Option } from 'commander';
import { parseAddress } from '../model/address.ts';
import { isAnnounced, renderStory, storyAsJson, storyOf } from './bgp/address-story.ts';
import { arePeersWell, peerRows, peersAsJson, renderPeers } from './bgp/peer-rows.ts';
import { renderRoutes, routeRows, routesAsJson } from './bgp/route-rows.ts';
import { exitCodes, fail } from './exit-code.ts';
import { type OutputFormat, outputOption } from './options.ts';
import { findOrigin, type OriginOptions, originOptions } from './origin.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

interface Options extends OriginOptions {
  readonly node?: string;
  readonly output: OutputFormat;
}

export function bgpCommand(): Command {
  return new Command('bgp')
    .description('Shows BGP as the agents of the nodes report it.')
    .addCommand(
      withOptions(new Command('peers'))
        .description(
          'The BGP peers of each node: state, since when, what both sides can, how many prefixes, and why there is no session. Exit code 1 if a session is not Established, or its peer not told of all routes.',
        )
        .action(async (options: Options) => show(options, peers)),
    )
    .addCommand(
      withOptions(new Command('routes'))
        .description(
          'The prefixes that each node announces, with their attributes, and which peers were told.',
        )
        .action(async (options: Options) => show(options, routes)),
    )
    .addCommand(
      withOptions(new Command('why'))
        .argument('<address>', 'an address of a Service')
        .description(
          'Why each node announces an address to its peers, or does not, and what to do about it. Exit code 1 if no peer was told of it.',
        )
        .action(async (text: string, options: Options) => {
          const address = parseAddress(text);
          if (address === undefined) return fail(`${text} is no IP address`);
          await show(options, (snapshot, { output }) => {
            const story = storyOf(snapshot, address);
            if (!isAnnounced(story)) process.exitCode = exitCodes.failed;
            return output === 'json' ? storyAsJson(story) : renderStory(story);
          });
        }),
    );
}

function withOptions(command: Command): Command {
  for (const option of originOptions()) command.addOption(option);
  return command.addOption(new Option('--node <name>', 'this node alone')).addOption(outputOption());
}

async function show(
  options: Options,
  render: (snapshot: Snapshot, options: Options) => string,
): Promise<void> {
  const origin = await findOrigin(options, 'person');
  if (origin === undefined) return;
  const snapshot = await readSnapshot(origin);
  process.exitCode = exitCodes.ok;
  const { node } = options;
  const reports = new Map([...snapshot.reports].filter(([name]) => node === undefined || name === node));
  process.stdout.write(render({ ...snapshot, reports }, options));
}

function peers(snapshot: Snapshot, { output }: Options): string {
  const rows = peerRows(snapshot);
  if (!arePeersWell(rows)) process.exitCode = exitCodes.failed;
  return output === 'json' ? peersAsJson(rows) : renderPeers(rows, process.stdout);
}

function routes(snapshot: Snapshot, { output }: Options): string {
  const rows = routeRows(snapshot);
  return output === 'json' ? routesAsJson(rows) : renderRoutes(rows);
}
