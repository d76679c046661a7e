// One probe of one endpoint: a TCP connection that is accepted, or an HTTP request that is answered with 200–399.
import { connect, isIPv6 } from 'node:net';
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

/** The status line says it all (RFC 9112 §4): the rest of the answer is not waited for. */
function probeHttp(target: ProbeTarget, deadline: AbortSignal): Promise<ProbeFailure | undefined> {
  return new Promise((resolve) => {
    const { address: host, port, path } = target;
    const socket = connect({ host, port, signal: deadline });
    const settle = (failure: ProbeFailure | undefined): void => {
      resolve(failure);
      socket.destroy();
    };
    const authority = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
    const fields = [`host: ${authority}`, 'user-agent: gantry-health-check', 'connection: close'];
    socket.write([`GET ${path} HTTP/1.1`, ...fields, '', ''].join('\r\n'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]);
      if (status >= 200 && status < 400) settle(undefined);
      else if (status >= 100) settle({ kind: 'probe-status', status });
      else if (text.length >= longestStatus) settle(notHttp);
    });
    socket.once('end', () => settle(notHttp));
    socket.once('error', (error) => settle(failureOf(error, target)));
  });
}

/** `HTTP/1.1 200`. */
const longestStatus = 12;
const notHttp: ProbeFailure = { kind: 'probe-failed', code: 'the answer is not HTTP' };

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
