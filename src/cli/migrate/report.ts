// What `gantry migrate` prints: the findings, whether anything changes, and the steps.
import { styleText } from 'node:util';
import { formatTable } from '../table.ts';
import type { Finding, Verdict } from './finding.ts';
import type { Installation } from './installation.ts';
import { leftoverFindings } from './leftover-findings.ts';
import type { MetalLb } from './metallb.ts';
import { objectFindings } from './object-findings.ts';
import { serviceFindings } from './service-findings.ts';
import { type Step, stepsFor } from './steps.ts';

export interface MigrationReport {
  readonly namespace: string;
  readonly installation: Installation;
  readonly findings: readonly Finding[];
  readonly steps: readonly Step[];
}

export const reportOn = (metallb: MetalLb): MigrationReport => ({
  namespace: metallb.namespace,
  installation: metallb.installation,
  findings: [
    ...serviceFindings(metallb.snapshot.world, metallb.installation.policy),
    ...objectFindings(metallb),
    ...leftoverFindings(metallb),
  ],
  steps: stepsFor(metallb),
});

export const changesNothing = ({ findings }: MigrationReport): boolean =>
  findings.every(({ verdict }) => verdict !== 'changes');

export const reportAsJson = (report: MigrationReport): string =>
  `${JSON.stringify({ ok: changesNothing(report), ...report })}\n`;

const marks: Readonly<Record<Verdict, string>> = { same: '✓', note: '!', changes: '✗' };
const colours = { same: 'green', note: 'yellow', changes: 'red' } as const;

/** Colours only where `stream` is a terminal and NO_COLOR is not set. */
export function renderReport(report: MigrationReport, stream: NodeJS.WritableStream): string {
  const { namespace, installation, findings, steps } = report;
  const table = formatTable<Finding>(
    [
      {
        heading: ' ',
        cell: ({ verdict }) => marks[verdict],
        style: (text, { verdict }) => styleText(colours[verdict], text, { stream }),
      },
      { heading: 'OBJECT', cell: ({ object }) => object },
      { heading: 'WITH GANTRY', cell: ({ message }) => message },
    ],
    findings,
  );
  return [
    `${introduction(namespace, installation)}\n`,
    table,
    `${conclusion(report)}\n`,
    ...steps.map((step, index) => renderStep(step, index + 1)),
  ].join('\n');
}

function introduction(namespace: string, { installer, workloads, policy }: Installation): string {
  const runs =
    workloads.length === 0 ? 'does not run' : `is ${workloads.map(({ name }) => name).join(' and ')}`;
  const by = installer.by === 'helm' ? `Helm (release ${installer.release})` : installer.by;
  const which =
    policy.loadBalancerClass === undefined
      ? 'Services without a class are its own'
      : `Services of the class ${policy.loadBalancerClass} are its own`;
  return `MetalLB in ${namespace} ${runs}, installed by ${by}; ${which}.`;
}

function conclusion(report: MigrationReport): string {
  const changes = report.findings.filter(({ verdict }) => verdict === 'changes').length;
  if (changes === 0) return 'Nothing changes. The steps, which docs/migration.md explains:';
  return `${changes} of ${report.findings.length} would change (✗): mend these first. Then the steps, which docs/migration.md explains:`;
}

function renderStep({ title, commands, look, back }: Step, number: number): string {
  const indented = (lines: readonly string[]): string[] => lines.map((line) => `     ${line}`);
  return [
    `${number}. ${title}`,
    ...indented(commands),
    `   Look: ${look}`,
    ...(back.length === 0 ? [] : ['   Back:', ...indented(back)]),
    '',
  ].join('\n');
}
