// Tells people which objects are set aside: in the controller's ConfigurationState, in the log, in metrics.
import { configurationState } from '../api/status.ts';
import { formatProblem, type ObjectProblem } from '../model/problem.ts';
import type { StatusPort } from '../model/status.ts';
import type { Log } from '../observe/log.ts';
import type { SourceMetrics } from '../observe/source-metrics.ts';
import type { Clock } from './clock.ts';
import type { StatusWriter } from './status-writer.ts';

export interface ConfigurationReportOptions {
  readonly writer: StatusWriter;
  readonly status: StatusPort;
  readonly clock: Clock;
  readonly log: Log;
  readonly sourceMetrics: SourceMetrics;
}

/** To be called with all problems that stand, whenever they changed. */
export function configurationReport(
  options: ConfigurationReportOptions,
): (problems: readonly ObjectProblem[]) => void {
  const { writer, status, clock, log, sourceMetrics } = options;
  let logged: ReadonlySet<string> = new Set();
  let wasValid: boolean | undefined;
  let since = '';
  return (problems) => {
    const told = problems.filter((problem) => !tellsOfItself(problem));
    const errors = told.filter(({ severity }) => severity === 'error');
    sourceMetrics.errors(errors.length);
    const isValid = errors.length === 0;
    if (isValid !== wasValid) since = new Date(clock.now()).toISOString();
    wasValid = isValid;
    const object = configurationState({ component: 'controller', node: undefined, problems: told, since });
    writer.put('ConfigurationState', { claims: [], write: () => status.put(object) });
    const standing = new Map(problems.map((problem) => [formatProblem(problem), problem]));
    for (const [text, problem] of standing) if (!logged.has(text)) logProblem(log, problem);
    logged = new Set(standing.keys());
  };
}

/** A Service of the API has conditions and events, which its owner reads: he need not be able to alarm the others. */
const tellsOfItself = ({ kind, file }: ObjectProblem): boolean => kind === 'Service' && file === '';

function logProblem(log: Log, problem: ObjectProblem): void {
  const { severity, rule, ...place } = problem;
  if (severity === 'error') log.warn('object-set-aside', { ...place, next: rule });
  else log.info('object-warning', { ...place, rule });
}
