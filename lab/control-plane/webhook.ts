// A webhook in this very process, served on a host of the lab: answers each review of the API server as it is told.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { json } from 'node:stream/consumers';
import type { Host } from '../host.ts';
import type { Authority } from './certificates.ts';

export interface AdmissionRequest {
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly object: unknown;
}

/**
 * Serves on all addresses of the host under the names, until disposed. `refusal` tells why an object is refused, or
 * undefined where it is not.
 */
export function serveWebhook(
  host: Host,
  port: number,
  authority: Authority,
  names: readonly string[],
  refusal: (request: AdmissionRequest) => string | undefined,
): Disposable {
  const { keyFile, certificateFile } = authority.issue(`webhook-${host.name}`, { hosts: names });
  const pair = { key: readFileSync(keyFile), cert: readFileSync(certificateFile) };
  const server = createServer(pair, async (incoming, outgoing) => {
    const { request } = (await json(incoming)) as { readonly request: AdmissionRequest };
    const message = refusal(request);
    const response = { uid: request.uid, allowed: message === undefined, status: { message } };
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
  });
  // Without an address Node listens at once, in the namespace of the moment.
  host.inside(() => server.listen(port));
  return {
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
