// `gantry drain`: this machine's node hands its addresses over and takes none, until that is undone.
import { Command, InvalidArgumentError, Option } from 'commander';
import { countHoldings, formatHoldings } from '../model/share.ts';
import type { FromPulse } from '../pulse/link.ts';
import { drainNode } from './drain-node.ts';
import { exitCodes, fail } from './exit-code.ts';
import { type OutputFormat, outputOption, runDirOption } from './options.ts';
import { clusterOptions, findOrigin, type OriginOptions } from './origin.ts';
import { talkToPulse } from './pulse-talk.ts';

interface Options extends OriginOptions {
  readonly runDir: string;
  readonly undo: boolean;
  readonly force: boolean;
  readonly timeout: number;
  readonly output: OutputFormat;
}

export function drainCommand(): Command {
  const command = new Command('drain')
    .argument(
      '[node]',
      'the node: any one of a cluster; else it must be the one of the pulse in --run-dir, and is that one if left out',
    )
    .description(
      "Hands all addresses of a node over to the others, and takes none until `gantry drain --undo`. Without --kubeconfig it is this machine's node, and until the machine starts anew. Packets and connections go on meanwhile. Exit code 1 if it was not drained in time.",
    )
    .option('--undo', 'take part again', false)
    .option('--force', 'even where no other node may answer for the addresses', false)
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for the hand-over')
        .argParser(parseSeconds)
        .default(30),
    )
    .addOption(runDirOption())
    .addOption(outputOption());
  for (const option of clusterOptions()) command.addOption(option);
  return command.action((node: string | undefined, options: Options) =>
    options.kubernetes === true || options.kubeconfig !== undefined
      ? drainInCluster(node, options)
      : drain(node, options),
  );
}

async function drainInCluster(node: string | undefined, options: Options): Promise<void> {
  const { undo, force, timeout: timeoutSeconds, output } = options;
  if (node === undefined) return fail('it is not said which node; name it', exitCodes.usage);
  const origin = await findOrigin(options, 'person');
  if (origin?.kind !== 'kubernetes') return;
  const progress = createProgress();
  const handedOver = await drainNode(origin, {
    node,
    undo,
    force,
    timeoutSeconds,
    progress: progress.show,
  }).finally(() => progress.end());
  const text = undo ? `${node} takes part again` : `${node} is drained: ${handedOver} addresses handed over`;
  process.stdout.write(
    output === 'json'
      ? `${JSON.stringify({ ok: true, node, isDraining: !undo, handedOver })}\n`
      : `${text}\n`,
  );
}

async function drain(node: string | undefined, options: Options): Promise<void> {
  const { runDir: runDirectory, undo, timeout: seconds, output } = options;
  const before = await look(runDirectory);
  if (before.node === undefined)
    throw new Error('pulse does not know its node yet: start gantry agent on this machine');
  if (node !== undefined && node !== before.node) {
    const next = `run this on ${node}, or name the --run-dir of its pulse`;
    throw new Error(`the pulse in ${runDirectory} is of ${before.node}, not of ${node}: ${next}`);
  }
  const others = before.members.members.filter(({ name, isReady }) => name !== before.node && isReady);
  if (!undo && !options.force && others.length === 0 && before.owned.size > 0) {
    const next = 'its addresses would be answered for by nobody. --force does it all the same';
    throw new Error(`no other node is ready to take over from ${before.node}: ${next}`);
  }
  const progress = createProgress();
  const left = new Set(before.owned);
  let { routes } = before;
  await talkToPulse(
    {
      runDirectory,
      say: { type: 'drain', drain: !undo },
      timeoutMilliseconds: seconds * 1000,
    },
    (message) => {
      if (message.type === 'owned') follow(left, message);
      if (message.type === 'bgp-routes') routes = message.count;
      if (undo) return message.type === 'members' && !message.isDraining ? true : undefined;
      progress.show(left.size);
      return left.size + routes === 0 ? true : undefined;
    },
    () => {
      const all = formatHoldings(countHoldings(before.owned));
      const still = [
        ...(left.size > 0 ? [`answers for ${formatHoldings(countHoldings(left))} of ${all}`] : []),
        ...(routes > 0 ? [`has ${routes} routes with BGP peers`] : []),
      ];
      return `${before.node} still ${still.join(' and ')} after ${seconds} s`;
    },
  ).finally(() => progress.end());
  process.exitCode = exitCodes.ok;
  const count = countHoldings(before.owned);
  const text = undo
    ? `${before.node} takes part again`
    : `${before.node} is drained: ${formatHoldings(count)} handed over`;
  process.stdout.write(
    output === 'json'
      ? `${JSON.stringify({ ok: true, node: before.node, isDraining: !undo, handedOver: undo ? 0 : before.owned.size })}\n`
      : `${text}\n`,
  );
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < 86_400)) throw new InvalidArgumentError('It must be a number of seconds.');
  return seconds;
}

interface Before {
  readonly node: string | undefined;
  readonly members: Extract<FromPulse, { type: 'members' }>;
  readonly owned: ReadonlySet<string>;
  /** That its BGP peers have; none where no agent has told. */
  readonly routes: number;
}

/** What it says when one connects: routes, hello, members, owned. */
function look(runDirectory: string): Promise<Before> {
  let node: string | undefined;
  let routes = 0;
  let members: Before['members'] | undefined;
  return talkToPulse<Before>(
    { runDirectory, timeoutMilliseconds: 5000 },
    (message) => {
      if (message.type === 'bgp-routes') routes = message.count;
      if (message.type === 'hello') ({ node } = message);
      if (message.type === 'members') members = message;
      if (message.type !== 'owned' || members === undefined) return undefined;
      return { node, routes, members, owned: new Set(message.upserts.map(({ address }) => address)) };
    },
    () => 'pulse has answered, but does not say what it answers for',
  );
}

function follow(left: Set<string>, message: Extract<FromPulse, { type: 'owned' }>): void {
  if (message.replace) left.clear();
  for (const address of message.removals) left.delete(address);
  for (const { address } of message.upserts) left.add(address);
}

/** One line that is written over, on a terminal only. */
function createProgress(): { show(left: number): void; end(): void } {
  const { stderr } = process;
  let isShown = false;
  return {
    show(left) {
      if (!stderr.isTTY) return;
      stderr.write(`\r\u001b[Khanding over: ${left} left`);
      isShown = true;
    },
    end() {
      if (isShown) stderr.write('\r\u001b[K');
    },
  };
}
