// The command lines of the control plane's programs. All but the API server listen on loopback of their host.
import { join } from 'node:path';
import type { Credentials } from './credentials.ts';
import type { ProgramName } from './programs.ts';

export const apiPort = 6443;
export const etcdPort = 2379;

/** Free of everything else in the lab; wide enough for tens of thousands of Services. */
export const serviceCidrs = ['198.18.128.0/17', '2001:db8:5::/112'] as const;

/** The API server's own, in the Services' ranges. */
export const apiServiceAddresses = ['198.18.128.1', '2001:db8:5::1'] as const;

/** What the real cluster does for Gantry's objects; the rest would take away pods and nodes that have no kubelet. */
export const usualControllers = [
  'endpointslice-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'garbage-collector-controller',
] as const;

type Arguments = Readonly<Record<Exclude<ProgramName, 'kubectl'>, readonly string[]>>;

export function programArguments(
  files: Credentials,
  address: string,
  controllers: readonly string[],
): Arguments {
  return {
    etcd: [
      `--data-dir=${join(files.directory, 'etcd')}`,
      // A crash of the machine is not what the lab plays, and its directory is in memory.
      '--unsafe-no-fsync',
      '--log-level=error',
      // Alone it elects itself in a tenth of a second.
      '--heartbeat-interval=10',
      '--election-timeout=100',
      `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
      `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--initial-advertise-peer-urls=http://127.0.0.1:2380',
      '--initial-cluster=default=http://127.0.0.1:2380',
    ],
    'kube-apiserver': [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      '--bind-address=::',
      `--advertise-address=${address}`,
      `--secure-port=${apiPort}`,
      `--tls-cert-file=${files.serving.certificateFile}`,
      `--tls-private-key-file=${files.serving.keyFile}`,
      `--client-ca-file=${files.clientAuthority.certificateFile}`,
      `--token-auth-file=${files.tokensFile}`,
      '--authorization-mode=RBAC',
      `--service-cluster-ip-range=${serviceCidrs.join(',')}`,
      '--service-node-port-range=20000-60000',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${files.accountKeys.publicFile}`,
      `--service-account-signing-key-file=${files.accountKeys.privateFile}`,
      // Pods need no token mounted, and nodes no kubelet to lose their first taint.
      '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
      // Webhooks behind a Service are reached at their pods: nothing translates addresses on this host.
      '--enable-aggregator-routing=true',
      '--allow-privileged=true',
      '--profiling=false',
    ],
    'kube-controller-manager': [
      `--kubeconfig=${files.adminKubeconfig}`,
      `--service-account-private-key-file=${files.accountKeys.privateFile}`,
      `--controllers=${controllers.join(',')}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
      '--profiling=false',
    ],
  };
}
