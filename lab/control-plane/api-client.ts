// A small client of the API server for tests: JSON requests and watches, from any host of the lab.
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Host } from '../host.ts';
import { connectionFrom } from './connection.ts';
import { serverName } from './credentials.ts';

/** The type of an answer is the caller's word: what a test asks for, it knows. */
export interface ApiClient extends Disposable {
  /** Any answer, also one that says no; rejects when there is none. The path may have a query. */
  request(method: Method, path: string, body?: object, contentType?: string): Promise<ApiResponse>;
  /** As `request`; rejects with the server's own words when it says no. */
  call<T = ApiObject>(method: Method, path: string, body?: object, contentType?: string): Promise<T>;
  /**
   * The events of a watch on a collection, until the server or `signal` ends it. Rejects when the server says no or
   * breaks off.
   */
  watch<T = ApiObject>(path: string, options?: WatchOptions): AsyncGenerator<WatchEvent<T>, void, void>;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ApiResponse {
  readonly status: number;
  /** Parsed JSON, or the text of what is none. */
  readonly body: unknown;
}

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** How the server says no, or that something went well. */
export interface Status {
  readonly kind: 'Status';
  readonly message: string;
  readonly reason?: string;
  readonly code?: number;
}

export interface WatchOptions {
  /** From after this one on; without it, all that there is comes first. */
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** A `Status` in an ERROR, little more than a resourceVersion in a BOOKMARK. */
  readonly object: T;
}

export interface ApiEndpoint {
  /** Whose network the connections are made in. */
  readonly from: Host;
  readonly address: string;
  readonly port: number;
  /** A PEM file, read again for each request. */
  readonly authorityFile: string;
  readonly token: string;
}

interface ApiRequest {
  readonly method: Method;
  readonly path: string;
  readonly body?: object | undefined;
  readonly contentType?: string | undefined;
}

/** For one request; a watch has no end. */
const patienceMilliseconds = 60_000;

export function createApiClient({ from, address, port, authorityFile, token }: ApiEndpoint): ApiClient {
  const agent = new Agent({ keepAlive: true });
  const send = (
    { method, path, body, contentType = 'application/json' }: ApiRequest,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = httpsRequest(
        {
          ...connectionFrom(from, address, port, serverName),
          agent,
          method,
          path,
          ...(signal && { signal }),
          ca: readFileSync(authorityFile),
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            'content-type': contentType,
          },
        },
        resolve,
      );
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });

  const client: ApiClient = {
    async request(method, path, body, contentType) {
      const patience = AbortSignal.timeout(patienceMilliseconds);
      const response = await send({ method, path, body, contentType }, patience);
      const status = response.statusCode ?? 0;
      const content = await text(response);
      const isJson = response.headers['content-type']?.includes('json') === true;
      return { status, body: isJson ? JSON.parse(content) : content };
    },
    async call<T>(method: Method, path: string, body?: object, contentType?: string) {
      const { status, body: answer } = await client.request(method, path, body, contentType);
      if (status < 400) return answer as T;
      const message = isStatus(answer) ? answer.message : answer;
      throw new Error(`${method} ${path}: ${status} ${message}`);
    },
    async *watch<T>(path: string, { resourceVersion, signal }: WatchOptions = {}) {
      const query = new URLSearchParams({ watch: 'true', allowWatchBookmarks: 'true' });
      if (resourceVersion !== undefined) query.set('resourceVersion', resourceVersion);
      const response = await send({ method: 'GET', path: `${path}?${query}` }, signal);
      if (response.statusCode !== 200) throw new Error(`watch ${path}: ${await text(response)}`);
      let rest = '';
      try {
        for await (const chunk of response.setEncoding('utf8')) {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) yield JSON.parse(line) as WatchEvent<T>;
        }
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      } finally {
        response.destroy();
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
  return client;
}

export const isStatus = (body: unknown): body is Status =>
  typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status';
