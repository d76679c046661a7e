// The order of steps from MetalLB to Gantry in which no Service loses its address: commands, and what to look at after each.
import { isRecord } from '../../api/record.ts';
import { noConversion } from '../../api/webhook/conversion-service.ts';
import type { ApiObject } from '../../kubernetes/api-object.ts';
import type { Workload } from './installation.ts';
import { foreignConverter } from './leftover-findings.ts';
import type { MetalLb } from './metallb.ts';

export interface Step {
  readonly title: string;
  readonly commands: readonly string[];
  /** What must be so before the next one. */
  readonly look: string;
  /** The way back from here, where there is one. */
  readonly back: readonly string[];
}

const savedFile = 'metallb-objects.yaml';
/** No node has it, so that a DaemonSet that selects it has no pods. */
const pausedLabel = 'gantry.dev/paused';

export function stepsFor({ namespace, installation, definitions, webhooks }: MetalLb): Step[] {
  const { installer, workloads, policy } = installation;
  const n = `kubectl --namespace ${namespace}`;
  const overlay = overlayAdvice(namespace, policy.loadBalancerClass);
  const converted = definitions.filter((one) => foreignConverter(one) !== undefined);
  const of = (...components: Workload['component'][]): Workload[] =>
    workloads.filter(({ component }) => components.includes(component));
  return [
    {
      title:
        'Save what configures MetalLB. Its chart takes the definitions along when it is uninstalled, and all objects with them.',
      commands: [`gantry migrate --from metallb --namespace ${namespace} --save ${savedFile} > steps.txt`],
      look: `${savedFile} has every pool, advertisement and peer; the image of Gantry is on every node.`,
      back: [],
    },
    {
      title: "Apply Gantry's definitions over MetalLB's. All objects stay, and MetalLB goes on with them.",
      commands: ['kubectl apply --server-side --force-conflicts -k deploy/crds'],
      look: `${n} get ipaddresspools,l2advertisements,bgppeers shows what it did before.`,
      back: [],
    },
    {
      title:
        "Stop MetalLB's controller, and have nothing wait for the webhooks that it answers. The speakers go on announcing.",
      commands: [
        ...(installer.by === 'operator'
          ? [`${n} scale deployment/metallb-operator-controller-manager --replicas=0`]
          : []),
        ...of('controller').map(({ name }) => `${n} scale deployment/${name} --replicas=0`),
        ...webhooks.map(openPatch),
        ...converted.map(({ metadata }) => definitionPatch(metadata.name, noConversion)),
      ],
      look: 'Services have their addresses and answer. Nobody gives addresses to new ones for now.',
      back: [
        ...converted.map(({ metadata, spec }) =>
          definitionPatch(metadata.name, {
            spec: { conversion: withoutBundle(isRecord(spec) && spec['conversion']) },
          }),
        ),
        ...of('controller').map(({ name }) => `${n} scale deployment/${name} --replicas=1`),
      ],
    },
    {
      title: `Start Gantry's controller alone. It takes the addresses over as they are.${overlay}`,
      commands: [
        "kubectl apply --server-side -k deploy/metallb --selector 'app.kubernetes.io/component notin (agent,pulse)'",
        `${n} rollout status deployment/gantry-controller`,
      ],
      look: 'kubectl get services --all-namespaces shows the same addresses; gantry migrate --from metallb says that nothing changes.',
      back: [`${n} delete deployment/gantry-controller`],
    },
    {
      title:
        'Change over: the speakers stop, the agents start. Addresses are answered for again within seconds.',
      commands: [
        ...of('speaker', 'frr-k8s')
          .filter(({ kind }) => kind === 'DaemonSet')
          .map(
            ({ name }) =>
              `${n} patch daemonset/${name} --patch '{"spec":{"template":{"spec":{"nodeSelector":{"${pausedLabel}":"true"}}}}}'`,
          ),
        'kubectl apply --server-side -k deploy/metallb',
        `${n} rollout status daemonset/gantry-agent`,
      ],
      look: `gantry status --namespace ${namespace} ends with 0; with BGP, gantry bgp peers too.`,
      back: [
        `${n} delete daemonset/gantry-agent daemonset/gantry-pulse`,
        ...of('speaker', 'frr-k8s')
          .filter(({ kind }) => kind === 'DaemonSet')
          .map(
            ({ name }) =>
              `${n} patch daemonset/${name} --type=json --patch '[{"op":"remove","path":"/spec/template/spec/nodeSelector/${pausedLabel.replace('/', '~1')}"}]'`,
          ),
      ],
    },
    {
      title: 'Remove what is left of MetalLB, days later. The definitions and their objects stay.',
      commands: removal(
        namespace,
        installation.installer.by === 'helm' ? installation.installer.release : undefined,
        [
          ...workloads.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`),
          ...webhooks.map(({ metadata }) => `validatingwebhookconfiguration/${metadata.name}`),
        ],
      ),
      look: `The addresses are there and answer. Were the definitions lost all the same, Gantry goes on with what it had: kubectl apply --server-side -k deploy/crds, then kubectl apply --filename ${savedFile}.`,
      back: [],
    },
  ];
}

/** Helm goes by the manifests that it has stored, so an annotation on the live definitions would not keep them. */
function removal(namespace: string, release: string | undefined, objects: readonly string[]): string[] {
  const n = `kubectl --namespace ${namespace}`;
  return [
    ...(release === undefined ? [] : [`${n} delete secrets --selector owner=helm,name=${release}`]),
    ...objects.map((object) => `${n} delete ${object}`),
  ];
}

/** It stays, for the way back, and nothing waits for it. */
function openPatch({ metadata, webhooks }: ApiObject): string {
  const operations = (Array.isArray(webhooks) ? webhooks : []).map((_, index) => ({
    op: 'add',
    path: `/webhooks/${index}/failurePolicy`,
    value: 'Ignore',
  }));
  return `kubectl patch validatingwebhookconfiguration/${metadata.name} --type=json --patch '${JSON.stringify(operations)}'`;
}

const definitionPatch = (name: string, patch: object): string =>
  `kubectl patch customresourcedefinition/${name} --type=merge --patch '${JSON.stringify(patch)}'`;

/** MetalLB puts its certificate there by itself, and waits until it can. */
const withoutBundle = (conversion: unknown): unknown =>
  JSON.parse(JSON.stringify(conversion, (key, value) => (key === 'caBundle' ? undefined : value)));

function overlayAdvice(namespace: string, loadBalancerClass: string | undefined): string {
  const wanted = [
    ...(namespace === 'metallb-system' ? [] : [`namespace: ${namespace}`]),
    ...(loadBalancerClass === undefined
      ? []
      : [
          `the arguments --load-balancer-class=${loadBalancerClass} and --require-load-balancer-class for controller and agent`,
        ]),
  ];
  return wanted.length === 0
    ? ''
    : ` In place of deploy/metallb, use an overlay with ${wanted.join(', and ')}.`;
}
