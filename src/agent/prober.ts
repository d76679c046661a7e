// Probes the endpoints whose slices ask for a check of ours, each at its own jittered pace, not too many at once.
import { formatAddress } from '../model/address.ts';
import type { Endpoint, EndpointSlice, EndpointSliceKey, HealthCheck } from '../model/endpoint-slice.ts';
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
  /** The slice as it is now, undefined: it is gone. Endpoints that stay keep their health. */
  update(key: EndpointSliceKey, slice: EndpointSlice | undefined): void;
  /** True for an endpoint without a check. */
  isHealthy(slice: EndpointSlice, endpoint: Endpoint): boolean;
  unhealthy(): UnhealthyEndpoint[];
}

interface Subject {
  readonly service: ServiceKey;
  check: HealthCheck;
  target: ProbeTarget;
  health: EndpointHealth;
  timer: NodeJS.Timeout | undefined;
  isGone: boolean;
}

export function createProber(options: ProberOptions): Prober {
  const subjectsOf = new Map<EndpointSliceKey, Map<string, Subject>>();
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
    const before = countsAsHealthy(subject.health);
    subject.health = afterProbe(subject.health, failure, subject.check);
    schedule(subject, nextDelay(subject.check));
    if (countsAsHealthy(subject.health) !== before) options.changed(subject.service);
  };

  const drop = (subject: Subject): void => {
    subject.isGone = true;
    clearTimeout(subject.timer);
  };

  const update = (key: EndpointSliceKey, slice: EndpointSlice | undefined): void => {
    const before = subjectsOf.get(key);
    const after = new Map<string, Subject>();
    for (const { address, service, check, target } of slice === undefined ? [] : targetsOf(slice)) {
      const known = before?.get(address);
      before?.delete(address);
      if (known !== undefined && known.service === service) {
        known.check = check;
        known.target = target;
        after.set(address, known);
        continue;
      }
      const subject: Subject = {
        service,
        check,
        target,
        health: unknownHealth,
        timer: undefined,
        isGone: false,
      };
      after.set(address, subject);
      schedule(subject, firstDelay(check));
    }
    for (const subject of before?.values() ?? []) drop(subject);
    if (after.size > 0) subjectsOf.set(key, after);
    else subjectsOf.delete(key);
  };

  options.signal.addEventListener('abort', () => {
    for (const subjects of subjectsOf.values()) for (const subject of subjects.values()) drop(subject);
  });

  return {
    update,
    isHealthy(slice, endpoint) {
      if (slice.healthCheck === undefined) return true;
      const subject = subjectsOf.get(slice.key)?.get(formatAddress(endpoint.address));
      return subject === undefined || countsAsHealthy(subject.health);
    },
    unhealthy() {
      const found: UnhealthyEndpoint[] = [];
      for (const subjects of subjectsOf.values()) {
        for (const { service, target, health } of subjects.values()) {
          if (countsAsHealthy(health) || health.failure === undefined) continue;
          found.push({ service, address: target.address, port: target.port, failure: health.failure });
        }
      }
      return found;
    },
  };
}

const countsAsHealthy = (health: EndpointHealth): boolean => health.verdict !== 'unhealthy';

interface WantedTarget {
  readonly address: string;
  readonly service: ServiceKey;
  readonly check: HealthCheck;
  readonly target: ProbeTarget;
}

/** One a distinct address; none without a check or where the port that it names is not there. */
function targetsOf(slice: EndpointSlice): WantedTarget[] {
  const check = slice.healthCheck;
  const port = slice.ports.find(({ name }) => check?.portName === undefined || check.portName === name)?.port;
  if (check === undefined || port === undefined) return [];
  const { type, path, timeoutMilliseconds } = check;
  const addresses = new Set(slice.endpoints.map((endpoint) => formatAddress(endpoint.address)));
  return [...addresses].map((address) => ({
    address,
    service: slice.service,
    check,
    target: { type, address, port, path, timeoutMilliseconds },
  }));
}
