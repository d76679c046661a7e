// gantry lab: the small programs that the demo, the lab tests and the benches run inside their hosts. Not for people.
import { Command } from 'commander';
import { runFirstAnswers } from '../../lab/first-answer.ts';
import { type ProbeTarget, runProbe } from '../../lab/probe.ts';
import { runResponder } from '../../lab/responder.ts';
import { runStream } from '../../lab/stream.ts';

export function labCommand(): Command {
  const command = new Command('lab').description("The lab's own programs: what pods and clients run there.");
  command
    .command('responder <name> <port> <echo-port>')
    .description('answer who and whom one sees, and echo streams')
    .action((name: string, port: string, echoPort: string) =>
      runResponder({ name, port: Number(port), echoPort: Number(echoPort) }, ended()),
    );
  command
    .command('probe <targets...>')
    .description('ask targets such as tcp:192.0.2.200:80 or udp:[2001:db8::1]:53 again and again')
    .option('--interval <ms>', 'between attempts', '5')
    .option('--timeout <ms>', 'of an attempt', '250')
    .option('--duration <ms>', 'of it all; it also ends with SIGTERM', '60000')
    .action(async (targets: string[], options: { interval: string; timeout: string; duration: string }) => {
      const reports = await runProbe(
        {
          targets: targets.map(parseTarget),
          intervalMilliseconds: Number(options.interval),
          timeoutMilliseconds: Number(options.timeout),
          durationMilliseconds: Number(options.duration),
        },
        ended(),
      );
      process.stdout.write(`${JSON.stringify(reports)}\n`);
    });
  command
    .command('first-answer')
    .description('read `ADDRESS PORT` lines, tell when each first answers')
    .action(runFirstAnswers);
  command
    .command('stream <address> <port> <ms>')
    .description('stream to an echo port and compare checksums')
    .action(async (address: string, port: string, milliseconds: string) => {
      const report = await runStream(address, Number(port), Number(milliseconds));
      process.stdout.write(`${JSON.stringify(report)}\n`);
      process.exitCode = report.ok ? 0 : 1;
    });
  return command;
}

function ended(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Throws for anything else than `tcp:ADDRESS:PORT`, `udp:…` and `flow:…`, IPv6 addresses in brackets. */
function parseTarget(text: string): ProbeTarget {
  const match = /^(tcp|udp|flow):(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const address = match?.[2] ?? match?.[3];
  if (match === null || address === undefined)
    throw new Error(`${text} is no target: write tcp:ADDRESS:PORT`);
  return { protocol: match[1] as ProbeTarget['protocol'], address, port: Number(match[4]) }; // as matched
}
