// The API server's own record of what service accounts ask of it: to see which of their rights are used, and which lack.
//
// https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AuditedRequest {
  /** `system:serviceaccount:NAMESPACE:NAME` */
  readonly user: string;
  readonly verb: string;
  /** Empty for the core group. */
  readonly apiGroup: string;
  /** `services`, `services/status`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  /** Undefined for a collection, and where the server chooses it. */
  readonly name: string | undefined;
  /** What follows the path: selectors, mostly. */
  readonly query: string;
  /** HTTP's. */
  readonly code: number;
}

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  /** Requests for other paths than resources' have none. */
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

const logOf = (directory: string): string => join(directory, 'audit.log');

/** For the API server's command line; it writes into `directory`. A watch is recorded when it begins. */
export function auditArguments(directory: string): string[] {
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
  };
  const file = join(directory, 'audit-policy.json');
  writeFileSync(file, JSON.stringify(policy));
  return [`--audit-policy-file=${file}`, `--audit-log-path=${logOf(directory)}`];
}

/** All requests for resources until now, in their order; a watch that has ended is there twice. */
export function auditedRequests(directory: string): AuditedRequest[] {
  const log = logOf(directory);
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const { verb, user, requestURI, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
      if (objectRef === undefined) return [];
      const { resource, subresource, namespace, name, apiGroup = '' } = objectRef;
      return {
        user: user.username,
        verb,
        apiGroup,
        resource: subresource === undefined ? resource : `${resource}/${subresource}`,
        namespace,
        name,
        query: decodeURIComponent(requestURI.split('?')[1] ?? ''),
        code: responseStatus?.code ?? 0,
      };
    });
}
