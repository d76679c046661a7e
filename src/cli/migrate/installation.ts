// How MetalLB was installed and what it runs as, read from its workloads.
import { isRecord } from '../../api/record.ts';
import type { ClassPolicy } from '../../ipam/class-policy.ts';
import type { ApiObject } from '../../kubernetes/api-object.ts';

export interface Workload {
  readonly kind: string;
  readonly name: string;
  /** `frr-k8s` is what its speakers may leave BGP to. */
  readonly component: 'controller' | 'speaker' | 'frr-k8s';
}

export type Installer =
  | { readonly by: 'helm'; readonly release: string }
  | { readonly by: 'operator' }
  | { readonly by: 'manifests' };

export interface Installation {
  readonly installer: Installer;
  readonly workloads: readonly Workload[];
  /** Which Services are MetalLB's: with `--lb-class` those of the class alone. */
  readonly policy: ClassPolicy;
}

/** `workloads` are the Deployments and DaemonSets of MetalLB's namespace; others than MetalLB's are passed over. */
export function installationOf(workloads: readonly ApiObject[]): Installation {
  const own = workloads.flatMap((object) => {
    const component = componentOf(object);
    return component === undefined ? [] : [{ object, component }];
  });
  const loadBalancerClass = own
    .flatMap(({ object }) => argumentsOf(object))
    .map(classIn)
    .find((found) => found !== undefined);
  return {
    installer: installerOf(own.map(({ object }) => object)),
    workloads: own.map(({ object: { kind, metadata }, component }) => ({
      kind,
      name: metadata.name,
      component,
    })),
    policy: { loadBalancerClass, required: loadBalancerClass !== undefined },
  };
}

/** The manifests label by `app` and `component`, the chart by the names that Kubernetes recommends. */
function componentOf({ metadata: { labels = {} } }: ApiObject): Workload['component'] | undefined {
  const app = labels['app.kubernetes.io/name'] ?? labels['app'];
  if (app === 'frr-k8s') return app;
  const component = labels['app.kubernetes.io/component'] ?? labels['component'];
  if (app !== 'metallb') return undefined;
  return component === 'controller' || component === 'speaker' ? component : undefined;
}

function installerOf(own: readonly ApiObject[]): Installer {
  const release = own
    .map(({ metadata }) => metadata.annotations?.['meta.helm.sh/release-name'])
    .find((name) => name !== undefined);
  if (release !== undefined) return { by: 'helm', release };
  const isOwned = own.some(({ metadata }) => {
    const owners = metadata['ownerReferences'];
    return Array.isArray(owners) && owners.some((owner) => isRecord(owner) && owner['kind'] === 'MetalLB');
  });
  return { by: isOwned ? 'operator' : 'manifests' };
}

/** The arguments of each container. */
function argumentsOf({ spec }: ApiObject): string[][] {
  const template = isRecord(spec) && isRecord(spec['template']) ? spec['template']['spec'] : undefined;
  const containers = isRecord(template) ? template['containers'] : undefined;
  if (!Array.isArray(containers)) return [];
  return containers.map((container) => {
    const args = isRecord(container) ? container['args'] : undefined;
    return Array.isArray(args) ? args.filter((arg) => typeof arg === 'string') : [];
  });
}

/** `--lb-class=NAME`, or in two arguments. */
function classIn(args: readonly string[]): string | undefined {
  const joined = args.join(' ');
  return /(?:^| )--?lb-class[= ](\S+)/.exec(joined)?.[1];
}
