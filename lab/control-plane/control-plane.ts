// A real Kubernetes control plane on a host of the lab: etcd, the API server, and the controllers a test needs.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../gantry.ts';
import type { Host } from '../host.ts';
import type { Lab } from '../lab.ts';
import { type Account, type AccountRequest, createAccount } from './accounts.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { type AuditedRequest, auditArguments, auditedRequests } from './audit.ts';
import type { Authority } from './certificates.ts';
import { createCredentials } from './credentials.ts';
import { createDaemon, type Daemon } from './daemon.ts';
import { compact } from './etcd.ts';
import { apiPort, programArguments, usualControllers } from './flags.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { createObjects, type Objects } from './objects.ts';
import { findPrograms } from './programs.ts';
import { presentedCertificate } from './serving-certificate.ts';

export interface ControlPlane extends Objects, AsyncDisposable {
  readonly host: Host;
  /** `https://ADDRESS:PORT`, for any host that reaches the address. */
  readonly server: string;
  /** What signed the API server's certificate; it signs for webhooks of the tests, too. */
  readonly authority: Authority;
  /** The path of a kubeconfig of a member of `system:masters`. */
  readonly kubeconfig: string;
  readonly adminToken: string;
  /** As that member, from the control plane's own host. */
  readonly api: ApiClient;
  readonly kubectl: Kubectl;
  readonly etcd: Daemon;
  /** Kill it and start it again, then wait for `ready`. */
  readonly apiServer: Daemon;
  readonly controllerManager: Daemon;
  /** Resolves when the API server says that it is ready. */
  ready(): Promise<void>;
  /** A service account with a role of its own. */
  account(request: AccountRequest): Promise<Account>;
  /** A kubeconfig that shows a certificate for this user. */
  certificateUser(name: string, groups?: readonly string[]): string;
  /** What service accounts have asked of it until now, where it is audited. */
  requests(): AuditedRequest[];
  /** etcd forgets all revisions but the last; what the API server remembers, it forgets when it is started again. */
  compact(): Promise<void>;
  /** A new serving certificate by the same authority; resolves when the API server, which runs on, shows it. */
  rotateServingCertificate(): Promise<void>;
  /** Ends its processes and removes its files; the host stays. */
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** By the controller manager's names for them; none: it is not started. */
  readonly controllers?: readonly string[];
  /** Added to the API server's command line. */
  readonly apiServerArguments?: readonly string[];
  /** It keeps a record for `requests`. */
  readonly isAudited?: boolean;
}

/** Between two questions to a server that starts and needs the processor for itself. */
const pollMilliseconds = 20;

/** A host of the lab with addresses that the nodes reach. */
export interface ControlMachine {
  readonly host: Host;
  readonly addresses: readonly [string, ...string[]];
}

/**
 * Starts it on the host, which has these addresses (the first is advertised), and resolves when the API server is
 * ready. It and its processes go with the lab, or when it is stopped. Throws where the programs are not built.
 */
export async function startControlPlane(
  lab: Lab,
  { host, addresses }: ControlMachine,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const program = findPrograms();
  const { controllers = usualControllers, apiServerArguments = [], isAudited = false } = options;
  const [address] = addresses;
  const directory = mkdtempSync(join(lab.directory, 'control-plane-'));
  const server = `https://${address.includes(':') ? `[${address}]` : address}:${apiPort}`;
  const credentials = createCredentials(directory, server, addresses);
  const { authority, clientAuthority, adminToken, adminKubeconfig: kubeconfig } = credentials;
  const endpoint = { address, port: apiPort, authorityFile: authority.certificateFile };

  const args = programArguments(credentials, address, controllers);
  const daemon = (name: keyof typeof args, more: readonly string[] = []): Daemon =>
    createDaemon(host, name, [program(name), ...args[name], ...more]);
  const [etcd, apiServer, controllerManager] = [
    daemon('etcd'),
    daemon('kube-apiserver', [...apiServerArguments, ...(isAudited ? auditArguments(directory) : [])]),
    daemon('kube-controller-manager'),
  ];
  const api = createApiClient({ ...endpoint, from: host, token: adminToken });
  const objects = createObjects(api);
  const answers =
    (path: string): (() => Promise<boolean>) =>
    async () => {
      for (const each of [etcd, apiServer]) each.check();
      await sleep(pollMilliseconds);
      // Refused connections are what one waits for here.
      return await api.request('GET', path).then(
        ({ status }) => status === 200,
        () => false,
      );
    };

  const controlPlane: ControlPlane = {
    ...objects,
    host,
    server,
    authority,
    kubeconfig,
    adminToken,
    api,
    kubectl: createKubectl(host, program('kubectl'), kubeconfig, directory),
    etcd,
    apiServer,
    controllerManager,
    ready: async () => void (await until('the API server is ready', answers('/readyz'), 60_000)),
    account: (request) =>
      createAccount({ api, objects, endpoint, server, authority: authority.certificate, directory }, request),
    certificateUser(name, groups = []) {
      const path = join(directory, `${name}.kubeconfig`);
      const user = clientAuthority.issue(`client-${name}`, { user: name, groups });
      writeKubeconfig(path, { server, authorityFile: endpoint.authorityFile, user });
      return path;
    },
    requests: () => auditedRequests(directory),
    compact: () => compact(host),
    async rotateServingCertificate() {
      const shown = () => presentedCertificate(host, address, apiPort);
      const before = await shown();
      credentials.renewServing();
      await until('the API server shows its new certificate', async () => (await shown()) !== before, 90_000);
    },
    async stop() {
      for (const each of [controllerManager, apiServer, etcd]) await each.kill();
      api[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => controlPlane.stop(),
  };

  try {
    etcd.start();
    apiServer.start();
    if (controllers.length > 0) {
      await until('the API server answers', answers('/livez'), 60_000);
      controllerManager.start();
    }
    await controlPlane.ready();
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  return controlPlane;
}
