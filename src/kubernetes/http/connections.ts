// Connections to API servers, kept for the next request; made anew when the certificates to make them with change.
import type { Agent } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Access } from '../access/access.ts';
import { isSameTls, type Materials } from '../access/materials.ts';
import { codeOf, type Requester } from './exchange.ts';

/** How to ask a server. */
export interface Way {
  readonly request: Requester;
  readonly agent: Agent;
}

export interface Connections extends Disposable {
  /** `code`: what OpenSSL says of a certificate or key that it cannot read; perhaps it is being renewed just now. */
  to(server: string, materials: Materials): Promise<Way | { readonly code: string }>;
}

/** Less than the servers' and load balancers' own, who else may close one in the moment that it is used. */
const idleMilliseconds = 30_000;

const kept = { keepAlive: true, timeout: idleMilliseconds, scheduling: 'lifo' } as const;

export function createConnections(access: Access): Connections {
  let secure: { readonly agent: Agent; readonly madeWith: Materials } | undefined;
  let plain: Way | undefined;

  const secureAgent = (materials: Materials): Agent => {
    if (secure !== undefined && isSameTls(secure.madeWith, materials)) return secure.agent;
    const { authority, certificate, key } = materials;
    const agent = new SecureAgent({
      ...kept,
      rejectUnauthorized: access.isVerified,
      ...(access.serverName !== undefined && { servername: access.serverName }),
      // One for all connections: else each parses the certificates anew.
      secureContext: createSecureContext({
        ...(authority !== undefined && { ca: authority }),
        ...(certificate !== undefined && { cert: certificate }),
        ...(key !== undefined && { key }),
      }),
    });
    if (secure !== undefined) closeIdle(secure.agent);
    secure = { agent, madeWith: materials };
    return agent;
  };

  return {
    async to(server, materials) {
      if (!server.startsWith('http:')) {
        try {
          return { request: secureRequest, agent: secureAgent(materials) };
        } catch (error) {
          return { code: codeOf(error) };
        }
      }
      // Only tests and `kubectl proxy` come this way; importing all of it costs eight megabytes.
      if (plain === undefined) {
        const http = await import('node:http');
        plain = { request: http.request, agent: new http.Agent(kept) };
      }
      return plain;
    },
    [Symbol.dispose]() {
      secure?.agent.destroy();
      plain?.agent.destroy();
    },
  };
}

/** What is in use, such as watches, goes on until it ends by itself. */
function closeIdle(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}
