// The healthCheckNodePort of Services with externalTrafficPolicy Local: tells an outer load balancer whether this node
// has a ready endpoint. Answers are those of a Kubernetes Service proxy, which comes first where there is one.
import type { ServiceKey } from '../model/service.ts';
import { createHttpServer, type HttpResponse, type HttpServer } from '../observe/http-server.ts';
import type { Log } from '../observe/log.ts';

export interface LocalEndpoints {
  readonly port: number;
  /** Ready endpoints on this node. */
  readonly count: number;
}

export interface HealthCheckNodePortOptions {
  /** Whether this node forwards the Service's packets as it should. */
  readonly isForwarding: (service: ServiceKey) => boolean;
  readonly log: Log;
  /** Closes all ports. */
  readonly signal: AbortSignal;
}

export interface HealthCheckNodePorts {
  /** Undefined: the Service has no such port (any more). */
  update(service: ServiceKey, endpoints: LocalEndpoints | undefined): void;
}

interface Listener {
  readonly port: number;
  count: number;
  /** Undefined while the port is somebody else's. */
  http: HttpServer | undefined;
  wasTaken: boolean;
}

const retryMilliseconds = 30_000;

export function createHealthCheckNodePorts(options: HealthCheckNodePortOptions): HealthCheckNodePorts {
  const { signal, log } = options;
  const listeners = new Map<ServiceKey, Listener>();

  const open = (service: ServiceKey, listener: Listener): void => {
    const http = createHttpServer(() => answer(service, listener));
    listener.http = http;
    http.server.once('error', (error: NodeJS.ErrnoException) => {
      listener.http = undefined;
      if (listener.wasTaken) return;
      listener.wasTaken = true;
      log.debug('health-check-node-port-taken', { service, port: listener.port, code: error.code });
    });
    http.server.listen({ port: listener.port, exclusive: true });
  };

  const answer = (service: ServiceKey, { count }: Listener): HttpResponse => {
    const [namespace, name] = service.split('/', 2);
    const serviceProxyHealthy = options.isForwarding(service);
    return {
      status: count > 0 && serviceProxyHealthy ? 200 : 503,
      headers: {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(count),
      },
      body: `${JSON.stringify({ service: { namespace, name }, localEndpoints: count, serviceProxyHealthy })}\n`,
    };
  };

  const close = (service: ServiceKey, listener: Listener): void => {
    listeners.delete(service);
    listener.http?.[Symbol.dispose]();
  };

  const retry = setInterval(() => {
    for (const [service, listener] of listeners) if (listener.http === undefined) open(service, listener);
  }, retryMilliseconds);
  retry.unref();
  signal.addEventListener('abort', () => {
    clearInterval(retry);
    for (const [service, listener] of listeners) close(service, listener);
  });

  return {
    update(service, endpoints) {
      if (signal.aborted) return;
      const listener = listeners.get(service);
      if (listener !== undefined && listener.port !== endpoints?.port) close(service, listener);
      if (endpoints === undefined) return;
      const kept = listeners.get(service);
      if (kept !== undefined) {
        kept.count = endpoints.count;
        return;
      }
      const opened: Listener = { ...endpoints, http: undefined, wasTaken: false };
      listeners.set(service, opened);
      open(service, opened);
    },
  };
}
