// Where the Kubernetes programs of the lab are: built once by `make kubernetes`, or in KUBEBUILDER_ASSETS.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export type ProgramName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl';

const script = join(import.meta.dirname, '../../scripts/kubernetes.sh');

/** The path of a program, by its name. Throws where they are not built yet, with what to do. */
export function findPrograms(): (name: ProgramName) => string {
  const { status, stdout, stderr, error } = spawnSync(script, ['find'], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(stderr.trim());
  return (name) => join(stdout.trim(), name);
}
