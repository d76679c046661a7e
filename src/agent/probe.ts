// One probe of one endpoint: a TCP connection that is accepted, or an HTTP request that is answered with 200–399.
import { get } from 'node:http';
import { connect } from 'node:net';
import type { ProbeFailure } from './health-check.ts';

export interface ProbeTarget {
  readonly type: 'tcp' | 'http';
  /** The endpoint's address in its canonical form. */
  readonly address: string;
  readonly port: number;
  /** For http. */
  readonly path: string;
  readonly timeoutMilliseconds: number;
}

/** Resolves with undefined when it succeeded. An abort counts as a timeout. */
export function probe(target: ProbeTarget, signal: AbortSignal): Promise<ProbeFailure | undefined> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(target.timeoutMilliseconds)]);
  return target.type === 'tcp' ? probeTcp(target, deadline) : probeHttp(target, deadline);
}

function probeTcp(target: ProbeTarget, deadline: AbortSignal): Promise<ProbeFailure | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.address, port: target.port, signal: deadline });
    socket.once('connect', () => {
      resolve(undefined);
      socket.destroy();
    });
    socket.once('error', (error) => resolve(failureOf(error, target)));
  });
}

function probeHttp(target: ProbeTarget, deadline: AbortSignal): Promise<ProbeFailure | undefined> {
  return new Promise((resolve) => {
    const { address: host, port, path } = target;
    const headers = { 'user-agent': 'gantry-health-check', connection: 'close' };
    const request = get({ host, port, path, headers, agent: false, signal: deadline }, (response) => {
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400 ? undefined : { kind: 'probe-status', status });
      response.destroy();
    });
    request.once('error', (error) => resolve(failureOf(error, target)));
  });
}

function failureOf(error: NodeJS.ErrnoException, target: ProbeTarget): ProbeFailure {
  switch (error.code) {
    case 'ECONNREFUSED':
      return { kind: 'probe-refused' };
    case 'ABORT_ERR':
    case 'ETIMEDOUT':
      return { kind: 'probe-timeout', timeoutMilliseconds: target.timeoutMilliseconds };
    default:
      return { kind: 'probe-failed', code: error.code ?? error.message };
  }
}
