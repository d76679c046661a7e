// The annotations by which an EndpointSlice asks for a check of ours, where nobody else probes readiness.
import type { EndpointPort, HealthCheck } from '../model/endpoint-slice.ts';
import { parseDuration } from './duration.ts';
import { type FieldProblem, fieldError, type Parsed } from './field-problem.ts';
import { unknownAnnotations } from './gantry-annotations.ts';

/** `tcp`, or `http:` and an absolute path. */
const checkAnnotation = 'gantry.dev/health-check';
const portAnnotation = 'gantry.dev/health-check-port';
const intervalAnnotation = 'gantry.dev/health-check-interval';
const timeoutAnnotation = 'gantry.dev/health-check-timeout';
const thresholdAnnotation = 'gantry.dev/health-check-threshold';
const known = [checkAnnotation, portAnnotation, intervalAnnotation, timeoutAnnotation, thresholdAnnotation];

const defaultIntervalMilliseconds = 2000;
/** Or the interval, where that is shorter. */
const defaultTimeoutMilliseconds = 1000;
const defaultFailureThreshold = 3;

/** Undefined without the annotation. `ports` are the slice's own. */
export function healthCheckOf(
  annotations: Readonly<Record<string, string>>,
  ports: readonly EndpointPort[],
): Parsed<HealthCheck> {
  const problems: FieldProblem[] = unknownAnnotations(annotations, known);
  const pathOf = (annotation: string) => ['metadata', 'annotations', annotation];
  const refuse = (annotation: string, rule: string): void => {
    problems.push(fieldError(pathOf(annotation), annotations[annotation], rule));
  };

  const check = annotations[checkAnnotation];
  if (check === undefined) return { object: undefined, problems };
  const path = /^http:(\/[!-~]*)$/.exec(check)?.[1];
  if (check !== 'tcp' && path === undefined) {
    refuse(checkAnnotation, 'This must be tcp, or http: and a path, such as http:/healthz.');
  }
  const portName = annotations[portAnnotation];
  if (portName !== undefined && !ports.some(({ name }) => name === portName)) {
    refuse(portAnnotation, 'This must be the name of one of the ports of the slice.');
  }
  const milliseconds = (annotation: string, fallback: number, least: number, most: number): number => {
    const text = annotations[annotation];
    const value = text === undefined ? fallback : parseDuration(text);
    if (value !== undefined && value >= least && value <= most) return value;
    refuse(annotation, `This must be a duration from ${least}ms to ${most}ms, such as 500ms or 2s.`);
    return fallback;
  };
  const interval = milliseconds(intervalAnnotation, defaultIntervalMilliseconds, 100, 3_600_000);
  const fallback = Math.min(defaultTimeoutMilliseconds, interval);
  const timeout = milliseconds(timeoutAnnotation, fallback, 10, interval);
  const threshold = Number(annotations[thresholdAnnotation] ?? defaultFailureThreshold);
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > 100) {
    refuse(thresholdAnnotation, 'This must be a whole number from 1 to 100.');
  }

  if (problems.some(({ severity }) => severity === 'error')) return { object: undefined, problems };
  return {
    object: {
      type: check === 'tcp' ? 'tcp' : 'http',
      portName,
      path: path ?? '',
      intervalMilliseconds: interval,
      timeoutMilliseconds: timeout,
      failureThreshold: threshold,
    },
    problems,
  };
}
