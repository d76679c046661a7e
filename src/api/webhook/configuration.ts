// How the API server is told of the webhook: what to ask about, where, and that nothing waits for an answer.
//
// `caBundle` is for the controller to put in: without it the API server trusts nobody, and goes on without the webhook.

export const admissionPath = '/admission';
export const webhookConfigurationName = 'gantry';
export const webhookServiceName = 'gantry-webhook';
/** Where the manifests put everything; kustomize may rename it. */
export const defaultNamespace = 'gantry-system';

interface WebhookClient {
  readonly service: {
    readonly name: string;
    readonly namespace: string;
    readonly path: string;
    readonly port: number;
  };
}

const clientOf = (namespace: string, path: string): WebhookClient => ({
  service: { name: webhookServiceName, namespace, path, port: 443 },
});

const configurationResources = [
  'ipaddresspools',
  'l2advertisements',
  'bgpadvertisements',
  'bgppeers',
  'bfdprofiles',
  'communities',
];

/** A Service that asks for nothing, or for nothing new, does not wait for the webhook. */
const serviceConditions = [
  {
    name: 'asks-for-something',
    expression: [
      "object.spec.?type.orValue('') == 'LoadBalancer'",
      "(object.spec.?loadBalancerIP.orValue('') != '' || object.metadata.?annotations.orValue({}).exists(name, name.startsWith('metallb.universe.tf/') || (name.startsWith('metallb.io/') && name != 'metallb.io/ip-allocated-from-pool')))",
    ].join(' && '),
  },
  {
    name: 'asks-for-something-new',
    expression: [
      'oldObject == null',
      "oldObject.spec.?type.orValue('') != 'LoadBalancer'",
      "object.spec.?loadBalancerIP.orValue('') != oldObject.spec.?loadBalancerIP.orValue('')",
      'object.metadata.?annotations.orValue({}) != oldObject.metadata.?annotations.orValue({})',
    ].join(' || '),
  },
];

/** A ValidatingWebhookConfiguration (admissionregistration.k8s.io/v1). Namespace: that of the webhook's Service. */
export function validatingWebhookConfiguration(namespace: string) {
  const common = {
    admissionReviewVersions: ['v1'],
    clientConfig: clientOf(namespace, admissionPath),
    failurePolicy: 'Ignore',
    matchPolicy: 'Exact',
    sideEffects: 'None',
  };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: webhookConfigurationName, labels: { 'app.kubernetes.io/part-of': 'gantry' } },
    webhooks: [
      {
        name: 'configuration.gantry.dev',
        ...common,
        timeoutSeconds: 5,
        rules: [
          {
            apiGroups: ['metallb.io'],
            apiVersions: ['v1beta1', 'v1beta2'],
            operations: ['CREATE', 'UPDATE', 'DELETE'],
            resources: configurationResources,
            scope: 'Namespaced',
          },
        ],
      },
      {
        name: 'services.gantry.dev',
        ...common,
        // It only ever warns.
        timeoutSeconds: 1,
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['services'],
            scope: 'Namespaced',
          },
        ],
        matchConditions: serviceConditions,
      },
    ],
  };
}

/** The Service that leads to whoever serves the webhook. */
export const webhookService = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: webhookServiceName, namespace, labels: { 'app.kubernetes.io/part-of': 'gantry' } },
  spec: {
    selector: { 'app.kubernetes.io/name': 'gantry', 'app.kubernetes.io/component': 'controller' },
    ports: [{ name: 'webhook', port: 443, targetPort: 'webhook' }],
  },
});
