// Probes the endpoints whose slices ask for a check of ours, each at its own jittered pace, not too many at once.
import { type EndpointHealthKey, endpointHealthKey } from '../dataplane/endpoints.ts';
import { formatAddress } from '../model/address.ts';
import type { Endpoint, EndpointSlice, HealthCheck } from '../model/endpoint-slice.ts';
import type { ServiceKey } from '../model/service.ts';
import { afterProbe, type EndpointHealth, type ProbeFailure, unknownHealth } from './health-check.ts';
import type { ProbeTarget } from './probe.ts';

export interface ProberOptions {
  readonly probe: (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeFailure | undefined>;
  /** An endpoint of this Service became healthy or unhealthy. */
  readonly changed: (service: ServiceKey) => void;
  /** From 0 to 1, as `Math.random`. */
  readonly random: () => number;
  /** Probes under way at most. */
  readonly concurrency: number;
  /** Ends all probing. */
  readonly signal: AbortSignal;
}

export interface UnhealthyEndpoint {
  readonly service: ServiceKey;
  readonly address: string;
  readonly port: number;
  readonly failure: ProbeFailure;
}

export interface Prober {
  /** The Service's slices as they are now; none: it is gone. Endpoints that stay keep their health. */
  update(service: ServiceKey, slices: Iterable<EndpointSlice>): void;
  /** Kept up to date in place. */
  readonly unhealthy: ReadonlySet<EndpointHealthKey>;
  /** True for an endpoint without a check. */
  isHealthy(slice: EndpointSlice, endpoint: Endpoint): boolean;
  failures(): UnhealthyEndpoint[];
}

interface Subject {
  readonly key: EndpointHealthKey;
  readonly service: ServiceKey;
  check: HealthCheck;
  target: ProbeTarget;
  health: EndpointHealth;
  timer: NodeJS.Timeout | undefined;
  isGone: boolean;
}

type Subjects = Map<EndpointHealthKey, Subject>;

export function createProber(options: ProberOptions): Prober {
  const subjectsOf = new Map<ServiceKey, Subjects>();
  const unhealthy = new Set<EndpointHealthKey>();
  const waiting: Subject[] = [];
  let underWay = 0;

  /** A new endpoint is probed almost at once, yet a thousand of them not in the same millisecond. */
  const firstDelay = (check: HealthCheck): number =>
    options.random() * Math.min(check.intervalMilliseconds, 200);
  const nextDelay = (check: HealthCheck): number =>
    check.intervalMilliseconds * (0.9 + 0.2 * options.random());

  const schedule = (subject: Subject, delayMilliseconds: number): void => {
    if (subject.isGone || options.signal.aborted) return;
    subject.timer = setTimeout(() => {
      waiting.push(subject);
      startWaiting();
    }, delayMilliseconds);
    subject.timer.unref();
  };

  const startWaiting = (): void => {
    while (underWay < options.concurrency) {
      const subject = waiting.shift();
      if (subject === undefined) return;
      if (subject.isGone) continue;
      underWay++;
      void run(subject);
    }
  };

  const run = async (subject: Subject): Promise<void> => {
    const failure = await options.probe(subject.target, options.signal);
    underWay--;
    startWaiting();
    if (subject.isGone || options.signal.aborted) return;
    subject.health = afterProbe(subject.health, failure, subject.check);
    schedule(subject, nextDelay(subject.check));
    const isOut = subject.health.verdict === 'unhealthy';
    if (isOut === unhealthy.has(subject.key)) return;
    if (isOut) unhealthy.add(subject.key);
    else unhealthy.delete(subject.key);
    options.changed(subject.service);
  };

  const drop = (subject: Subject): void => {
    subject.isGone = true;
    unhealthy.delete(subject.key);
    clearTimeout(subject.timer);
  };

  const add = (key: EndpointHealthKey, service: ServiceKey, wanted: WantedProbe): Subject => {
    const subject = { key, service, ...wanted, health: unknownHealth, timer: undefined, isGone: false };
    schedule(subject, firstDelay(wanted.check));
    return subject;
  };

  const update = (service: ServiceKey, slices: Iterable<EndpointSlice>): void => {
    const before = subjectsOf.get(service);
    const after: Subjects = new Map();
    for (const slice of slices) {
      for (const [key, wanted] of probesOf(slice)) {
        const known = before?.get(key);
        after.set(key, known === undefined ? add(key, service, wanted) : Object.assign(known, wanted));
        before?.delete(key);
      }
    }
    for (const subject of before?.values() ?? []) drop(subject);
    if (after.size > 0) subjectsOf.set(service, after);
    else subjectsOf.delete(service);
  };

  options.signal.addEventListener('abort', () => {
    for (const subjects of subjectsOf.values()) for (const subject of subjects.values()) drop(subject);
  });

  return {
    update,
    unhealthy,
    isHealthy: (slice, endpoint) =>
      slice.healthCheck === undefined || !unhealthy.has(endpointHealthKey(slice.key, endpoint.address)),
    failures: () =>
      [...subjectsOf.values()]
        .flatMap((subjects) => [...subjects.values()])
        .flatMap(({ key, service, target: { address, port }, health: { failure } }) =>
          failure === undefined || !unhealthy.has(key) ? [] : [{ service, address, port, failure }],
        ),
  };
}

interface WantedProbe {
  readonly check: HealthCheck;
  readonly target: ProbeTarget;
}

/** One a distinct address; none without a check, or where the port that it names is not there. */
function probesOf(slice: EndpointSlice): Map<EndpointHealthKey, WantedProbe> {
  const probes = new Map<EndpointHealthKey, WantedProbe>();
  const check = slice.healthCheck;
  const port = slice.ports.find(({ name }) => check?.portName === undefined || check.portName === name)?.port;
  if (check === undefined || port === undefined) return probes;
  const { type, path, timeoutMilliseconds } = check;
  for (const { address } of slice.endpoints) {
    const target = { type, address: formatAddress(address), port, path, timeoutMilliseconds };
    probes.set(endpointHealthKey(slice.key, address), { check, target });
  }
  return probes;
}
