// gantry pulse: heartbeats, elections, ARP and NDP answers on this node; outlives the agent.
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultExcludedInterfaces, excludePatterns } from '../announce/layer2/interfaces.ts';
import { defaultHeartbeatPort } from '../announce/membership/session.ts';
import type { Failback, TwoNodePolicy } from '../announce/membership/state.ts';
import { createLog, type LogLevel } from '../observe/log.ts';
import { version } from '../observe/version.ts';
import { runPulse } from '../pulse/run.ts';
import { logLevelOption, runDirOption } from './options.ts';

interface Options {
  readonly runDir: string;
  readonly heartbeatPort: number;
  readonly excludeInterface: readonly string[];
  readonly twoNodes: TwoNodePolicy;
  readonly failback: Failback;
  readonly replace?: true;
  readonly logLevel: LogLevel;
}

export function pulseCommand(): Command {
  return new Command('pulse')
    .description('Tells who is alive, and answers ARP and neighbour solicitations for what this node owns.')
    .addOption(runDirOption())
    .addOption(
      new Option('--heartbeat-port <port>', 'the UDP port of the heartbeats, the same on all nodes')
        .argParser(parsePort)
        .default(defaultHeartbeatPort),
    )
    .addOption(
      new Option(
        '--exclude-interface <pattern...>',
        'never answer on interfaces of such names (regular expressions)',
      )
        .argParser(parsePattern)
        .default(defaultExcludedInterfaces, 'those of container runtimes, overlays and virtual machines'),
    )
    .addOption(
      new Option(
        '--two-nodes <policy>',
        'one of two nodes that hears the other no more: answers on, or falls silent',
      )
        .choices(['availability', 'safety'])
        .default('availability'),
    )
    .addOption(
      new Option(
        '--failback <when>',
        'when an address goes back to a node that is wanted more and lives again',
      )
        .choices(['never', 'when-stable', 'at-once'])
        .default('when-stable'),
    )
    .option('--replace', 'take the place of the pulse that runs here, without a move of its addresses')
    .addOption(logLevelOption())
    .action(async (options: Options) => {
      const ended = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
      await runPulse(
        {
          version,
          runDirectory: options.runDir,
          heartbeatPort: options.heartbeatPort,
          rules: { twoNodes: options.twoNodes, failback: options.failback },
          excludedInterfaces: excludePatterns(options.excludeInterface),
          replaces: options.replace === true,
          log: createLog({ level: options.logLevel, component: 'pulse' }),
        },
        ended.signal,
      );
    });
}

function parsePort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new InvalidArgumentError('It must be a number from 1 to 65535.');
  return port;
}

/** The first one replaces the default, the others join it. */
function parsePattern(text: string, before: readonly string[]): string[] {
  try {
    excludePatterns([text]);
  } catch (error) {
    if (error instanceof SyntaxError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
  return before === defaultExcludedInterfaces ? [text] : [...before, text];
}
