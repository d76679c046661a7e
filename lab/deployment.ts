// What deploy/ installs: the objects of a kustomization, and the rights that it gives each program.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { AccountRequest, PolicyRule } from './control-plane/accounts.ts';
import type { Manifest } from './manifests.ts';

const deploy = join(import.meta.dirname, '../deploy');

export interface Deployed {
  /** From deploy/. */
  readonly file: string;
  readonly object: Manifest;
}

/** The objects as they are written, in the order of the kustomizations that name them; `folder` is one of deploy/'s. */
export function deployed(folder = '.'): Deployed[] {
  const kustomization = parse(readFileSync(join(deploy, folder, 'kustomization.yaml'), 'utf8'));
  return kustomization.resources.flatMap((resource: string) => {
    const path = join(folder, resource);
    if (!path.endsWith('.yaml')) return deployed(path);
    return parseAllDocuments(readFileSync(join(deploy, path), 'utf8')).map((document) => {
      if (document.errors.length > 0) throw new Error(`${path}: ${document.errors[0]?.message}`);
      return { file: path, object: document.toJS() as Manifest };
    });
  });
}

export type Program = 'controller' | 'agent' | 'pulse';

export const programs: readonly Program[] = ['controller', 'agent', 'pulse'];

interface Binding extends Manifest {
  readonly roleRef: { readonly kind: 'ClusterRole' | 'Role'; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

/** The account that the program's pods have, with what all the bindings give it: for `ControlPlane.account`. */
export function accountOf(program: Program): Required<AccountRequest> {
  const objects = deployed().map(({ object }) => object);
  const workload = workloadOf(objects, program);
  const { namespace = '' } = workload.metadata;
  const { serviceAccountName: name } = podOf(workload).spec;
  const rulesBy = (kind: 'ClusterRoleBinding' | 'RoleBinding'): PolicyRule[] =>
    objects
      .filter((object): object is Binding => object.kind === kind)
      .filter(({ subjects }) =>
        subjects.some(
          (one) => one.name === name && one.namespace === namespace && one.kind === 'ServiceAccount',
        ),
      )
      .flatMap(({ metadata, roleRef }) => {
        const role = objects.find(
          (object) =>
            object.kind === roleRef.kind &&
            object.metadata.name === roleRef.name &&
            (roleRef.kind === 'ClusterRole' || object.metadata.namespace === metadata.namespace),
        );
        if (role === undefined) throw new Error(`${kind} ${metadata.name} names no role that is there`);
        return role['rules'] as PolicyRule[];
      });
  return { namespace, name, rules: rulesBy('ClusterRoleBinding'), namespaceRules: rulesBy('RoleBinding') };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly [field: string]: unknown;
}

/** What a Deployment or DaemonSet makes pods from. */
export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly Container[];
    readonly [field: string]: unknown;
  };
}

/** The Deployment or DaemonSet of a program. Throws where there is none. */
export function workloadOf(objects: readonly Manifest[], program: Program): Manifest {
  const found = objects.find(
    ({ apiVersion, metadata }) => apiVersion === 'apps/v1' && metadata.name === `gantry-${program}`,
  );
  if (found === undefined) throw new Error(`deploy/ has no workload for the ${program}`);
  return found;
}

export const podOf = (workload: Manifest): PodTemplate =>
  (workload['spec'] as { readonly template: PodTemplate }).template;
