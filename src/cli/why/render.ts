// A chain as a person reads it: the first problem, then every step with its mark.
import { styleText } from 'node:util';
import { type Chain, firstProblem, isBroken } from './chain.ts';
import { listed, type Step, type Verdict } from './step.ts';

const marks: Readonly<Record<Verdict, string>> = { ok: '✓', wrong: '✗', warning: '!', unknown: '?' };
const colours = { ok: 'green', wrong: 'red', warning: 'yellow', unknown: 'blue' } as const;

/** Colours only where `stream` is a terminal and NO_COLOR is not set. */
export function renderChain(chain: Chain, stream: NodeJS.WritableStream): string {
  const paint = (verdict: Verdict, text: string): string => styleText(colours[verdict], text, { stream });
  const mark = (verdict: Verdict): string => paint(verdict, marks[verdict]);
  const line = ({ step, verdict, message, details }: Step): string[] => [
    `  ${mark(verdict)} ${step.padEnd(13)} ${message}`,
    ...details.map((detail) => `${' '.repeat(20)}${detail}`),
  ];
  const problem = firstProblem(chain);
  const headline = styleText('bold', headlineOf(chain, problem), { stream });
  return `${mark(problem?.verdict ?? 'ok')} ${headline}\n\n${chain.steps.flatMap(line).join('\n')}\n`;
}

function headlineOf(chain: Chain, problem: Step | undefined): string {
  const { service, addresses, owners } = chain;
  if (problem === undefined) return `${service} answers on ${listed(addresses)} at ${listed(owners)}.`;
  return isBroken(chain)
    ? `${service}: ${problem.message}`
    : `${service} answers on ${listed(addresses)} at ${listed(owners)}, but: ${problem.message}`;
}

/** For scripts: one line of JSON. */
export function chainAsJson(chain: Chain): string {
  const problem = firstProblem(chain);
  const { service, addresses, owners, steps } = chain;
  const first = problem && { step: problem.step, kind: problem.kind, message: problem.message };
  return `${JSON.stringify({ service, ok: !isBroken(chain), addresses, owners, problem: first ?? null, steps })}\n`;
}
