// One HTTP/1.1 request to one server: until the head of the answer is there, or it is clear that none will come.
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';

/** `request` of node:https, or of node:http. */
export type Requester = (
  url: string,
  options: RequestOptions,
  onResponse: (response: IncomingMessage) => void,
) => ClientRequest;

export interface ExchangeOptions {
  readonly request: Requester;
  readonly agent: Agent;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly connectMilliseconds: number;
  readonly answerMilliseconds: number;
  readonly signal: AbortSignal | undefined;
}

/** The head of an answer; the body must be read, or destroyed. */
export interface Head {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

export interface ExchangeFailure {
  /** In `connect` the server has seen nothing of the request. */
  readonly stage: 'connect' | 'answer';
  /** Node's, such as ECONNREFUSED or CERT_HAS_EXPIRED; `timeout`: nothing came in time. */
  readonly code: string;
  /** The connection was one of an earlier request: the server may have closed it just then. */
  readonly isReused: boolean;
}

/** A half-open connection is found out by the kernel after this time and ten probes, a second apart (libuv's). */
const keepAliveMilliseconds = 15_000;

export function exchange(options: ExchangeOptions): Promise<Head | ExchangeFailure> {
  return new Promise((resolve) => {
    let stage: ExchangeFailure['stage'] = 'connect';
    let isLate = false;
    const { method, agent, headers, signal } = options;
    const outgoing = options.request(
      options.url,
      { method, agent, headers, ...(signal && { signal }) },
      (body) => {
        clearTimeout(timer);
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
      },
    );
    const giveUp = (): void => {
      isLate = true;
      outgoing.destroy();
    };
    let timer = setTimeout(giveUp, options.connectMilliseconds);
    const connected = (): void => {
      stage = 'answer';
      clearTimeout(timer);
      timer = setTimeout(giveUp, options.answerMilliseconds);
    };
    outgoing.once('socket', (socket) => {
      socket.setKeepAlive(true, keepAliveMilliseconds);
      if (outgoing.reusedSocket) connected();
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
    });
    // After the head has come this says nothing that the body's end does not.
    outgoing.on('error', (error) => {
      clearTimeout(timer);
      resolve({ stage, code: isLate ? 'timeout' : codeOf(error), isReused: outgoing.reusedSocket });
    });
    outgoing.end(options.body);
  });
}

/** Node's code, or what it says. */
export const codeOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException; // sockets, streams and OpenSSL fail with nothing else
  return code ?? message;
};
