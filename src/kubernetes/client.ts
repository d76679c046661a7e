// The client of one cluster's API: sends requests to whichever of its servers answers, with credentials as they are now.
import type { Access } from './access/access.ts';
import { createMaterialStore } from './access/materials.ts';
import { readText } from './http/body.ts';
import { createConnections } from './http/connections.ts';
import { type ExchangeFailure, exchange, type Head } from './http/exchange.ts';
import { createServers } from './http/servers.ts';
import { type ApiReason, type ApiResult, done, refused } from './reason.ts';
import { reasonOfStatus } from './status-object.ts';
import { type Clock, defaultTiming, systemClock, type Timing } from './timing.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Such as `/api/v1/services`. */
  readonly path: string;
  /** Those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
  readonly body?: { readonly type: string; readonly text: string };
  /** The answer may come packed: worth it for whole lists. */
  readonly isPackable?: boolean;
  /** Doing it twice is the same as once, so it may be sent again where a kept connection broke under it. */
  readonly isRepeatable?: boolean;
}

/** An answer of success; its body is still to be read. */
export interface Answer {
  /** The request, for reasons. */
  readonly at: string;
  readonly body: Head['body'];
}

export interface ApiClientOptions {
  readonly access: Access;
  readonly timing?: Partial<Timing>;
  readonly clock?: Clock;
  /** Told to the servers, for their audit logs. */
  readonly userAgent?: string;
}

export interface ApiClient extends Disposable {
  readonly timing: Timing;
  readonly clock: Clock;
  readonly access: Access;
  /**
   * Tries each server once where none can be reached, reads renewed credentials where ours are refused, and leaves
   * all other failures to the caller. A server that failed is not the first to be asked the next time.
   */
  send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResult<Answer>>;
}

/** Nobody says more than this about what is wrong. */
const longestRefusalBytes = 1 << 20;

export function createApiClient(options: ApiClientOptions): ApiClient {
  const { access, clock = systemClock, userAgent = 'gantry' } = options;
  const timing = { ...defaultTiming, ...options.timing };
  const materials = createMaterialStore(access, clock.now);
  const connections = createConnections(access);
  const servers = createServers(access.servers);

  /** One request to one server. */
  const tryOnce = async (
    request: ApiRequest,
    server: string,
    signal: AbortSignal | undefined,
    oldestMilliseconds: number,
  ): Promise<ApiResult<Answer> & { readonly failure?: ExchangeFailure }> => {
    const at = `${request.method} ${server}${request.path}`;
    const current = await materials.current(oldestMilliseconds);
    if (!current.ok) return refused({ kind: 'no-credentials', access: current.reason });
    const { token } = current.value;
    const way = await connections.to(server, current.value);
    if ('code' in way) return refused({ kind: 'untrusted', at, cause: way.code });
    const outcome = await exchange({
      ...way,
      method: request.method,
      url: `${server}${request.path}${queryText(request.query)}`,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': userAgent,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(request.isPackable && { 'accept-encoding': 'gzip' }),
        ...(request.body && {
          'content-type': request.body.type,
          'content-length': String(Buffer.byteLength(request.body.text)),
        }),
      },
      body: request.body?.text,
      connectMilliseconds: timing.connectMilliseconds,
      answerMilliseconds: timing.answerMilliseconds,
      signal,
    });
    if ('stage' in outcome) {
      if (signal?.aborted) return refused({ kind: 'aborted' });
      return { ...refused(reasonOfFailure(at, outcome, timing)), failure: outcome };
    }
    if (outcome.status >= 200 && outcome.status < 300) return done({ at, body: outcome.body });
    return refused(await reasonOfAnswer(at, outcome, timing.pieceMilliseconds));
  };

  const send = async (request: ApiRequest, signal?: AbortSignal): Promise<ApiResult<Answer>> => {
    let oldest = timing.materialsMilliseconds;
    let isRenewed = false;
    let isRepeated = request.isRepeatable === false;
    for (let unreached = 0; ; ) {
      if (signal?.aborted) return refused({ kind: 'aborted' });
      const server = servers.current;
      const outcome = await tryOnce(request, server, signal, oldest);
      if (outcome.ok) return outcome;
      const { reason, failure } = outcome;
      if (!isRenewed && (reason.kind === 'unauthorized' || reason.kind === 'untrusted')) {
        isRenewed = true;
        oldest = 0;
        continue;
      }
      oldest = timing.materialsMilliseconds;
      if (reason.kind === 'unauthorized' && materials.failure !== undefined)
        return refused({ kind: 'no-credentials', access: materials.failure });
      if (failure?.isReused && failure.code !== 'timeout' && !isRepeated) {
        isRepeated = true;
        continue;
      }
      if (failure !== undefined || reason.kind === 'server-error') servers.failed(server);
      if (failure?.stage !== 'connect' || ++unreached >= servers.count) return outcome;
    }
  };

  return {
    timing,
    clock,
    access,
    send,
    [Symbol.dispose]: () => connections[Symbol.dispose](),
  };
}

function queryText(query: ApiRequest['query'] = {}): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

function reasonOfFailure(at: string, failure: ExchangeFailure, timing: Timing): ApiReason {
  const { stage, code } = failure;
  if (isCertificateProblem(code)) return { kind: 'untrusted', at, cause: code };
  if (stage === 'connect') return { kind: 'unreachable', at, cause: code };
  if (code === 'timeout') return { kind: 'no-answer', at, milliseconds: timing.answerMilliseconds };
  return { kind: 'cut', at, cause: code };
}

/** OpenSSL's verification errors as Node names them, those of its own checks, and the peer's alerts. */
const isCertificateProblem = (code: string): boolean =>
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|HOSTNAME_)/.test(code);

async function reasonOfAnswer(at: string, head: Head, pieceMilliseconds: number): Promise<ApiReason> {
  const text = await readText(head.body, pieceMilliseconds, longestRefusalBytes);
  const said = typeof text === 'string' ? (parsed(text) ?? text) : `the answer broke off (${text.code})`;
  return reasonOfStatus(at, head.status, said, head.headers['retry-after']);
}

/** A proxy on the way may say something else than JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
