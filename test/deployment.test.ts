// What deploy/ makes pods from: what it names is there, and no container may do more than its program needs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deployed, type PodTemplate, type Program, podOf, programs, workloadOf } from '../lab/deployment.ts';
import manifest from '../package.json' with { type: 'json' };
import { parseListenAddress } from '../src/observe/listen-address.ts';

const objects = deployed().map(({ object }) => object);
const [namespaceObject] = objects.filter(({ kind }) => kind === 'Namespace');
const namespace = namespaceObject?.metadata.name;
const read = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8');

interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string };
  readonly secret?: { readonly secretName: string; readonly optional?: boolean };
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface WebhookService {
  readonly selector: object;
  readonly ports: readonly { readonly targetPort: string }[];
}

interface ContainerPort {
  readonly name: string;
  readonly containerPort: number;
}

const pods = programs.map((program) => {
  const workload = workloadOf(objects, program);
  const pod = podOf(workload);
  const [container, ...others] = pod.spec.containers;
  assert.ok(container !== undefined && others.length === 0);
  return { program, workload, pod, container };
});

const optionOf = (args: readonly string[], name: string): string | undefined =>
  args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);

const portsOf = (program: Program): readonly ContainerPort[] => {
  const ports = pods.find((one) => one.program === program)?.container['ports'];
  return (ports ?? []) as readonly ContainerPort[];
};

test('all but the definitions is in one namespace, which lets the agents use the network of their nodes', () => {
  const clusterWide = [
    'Namespace',
    'ClusterRole',
    'ClusterRoleBinding',
    'CustomResourceDefinition',
    'ValidatingWebhookConfiguration',
  ];
  for (const { kind, metadata } of objects)
    assert.equal(metadata.namespace, clusterWide.includes(kind) ? undefined : namespace, metadata.name);
  const labels = namespaceObject?.metadata['labels'] as Record<string, string>;
  assert.equal(labels['pod-security.kubernetes.io/enforce'], 'privileged');
});

test('every object is known by its kind and name, and says that it is of Gantry', () => {
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  assert.equal(new Set(names).size, names.length);
  for (const { kind, metadata } of objects) {
    if (kind === 'CustomResourceDefinition') continue;
    const labels = metadata['labels'] as Record<string, string> | undefined;
    assert.equal(labels?.['app.kubernetes.io/part-of'], 'gantry', metadata.name);
  }
});

test('each program has an account of its own, and bindings bind what is there', () => {
  const accounts = objects
    .filter(({ kind }) => kind === 'ServiceAccount')
    .map(({ metadata }) => metadata.name);
  assert.deepEqual(pods.map(({ pod }) => pod.spec.serviceAccountName).sort(), accounts.sort());
  for (const object of objects.filter(({ kind }) => kind.endsWith('RoleBinding'))) {
    const { kind, name } = object['roleRef'] as { readonly kind: string; readonly name: string };
    assert.ok(
      objects.some((role) => role.kind === kind && role.metadata.name === name),
      `${object.metadata.name} names no role`,
    );
    for (const subject of object['subjects'] as { readonly name: string; readonly namespace: string }[]) {
      assert.ok(accounts.includes(subject.name), subject.name);
      assert.equal(subject.namespace, namespace);
    }
  }
});

/** Which Secrets peers name is not known before: the agent asks for those of one type, in its own namespace. */
const mayListSecrets = ({ kind, metadata }: { kind: string; metadata: { name: string } }): boolean =>
  kind === 'Role' && metadata.name === 'gantry-agent';

test('no right is a wildcard, and nobody may read secrets but by their names, except for peers’ passwords', () => {
  for (const object of objects.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')) {
    for (const rule of object['rules'] as Readonly<Record<string, readonly string[]>>[]) {
      assert.doesNotMatch(JSON.stringify(rule), /"\*"/);
      const isSecrets = rule['resources']?.includes('secrets') && rule['verbs']?.join() !== 'create';
      if (isSecrets && !mayListSecrets(object)) assert.ok((rule['resourceNames'] ?? []).length > 0);
    }
  }
});

test('the images are of this version, everywhere', () => {
  for (const { container } of pods) {
    assert.equal(container.image, `gantry:${manifest.version}`);
    assert.equal(container['imagePullPolicy'], 'IfNotPresent');
  }
  for (const path of ['Dockerfile', 'docs/install.md', 'deploy/cleanup.yaml']) {
    const found = [...read(path).matchAll(/gantry[:-](\d+\.\d+\.\d+[\w-]*)/g)].map(([, version]) => version);
    assert.deepEqual([...new Set(found)], [manifest.version], path);
  }
});

test('a container has bounds, a read-only root, and no capability but those it needs', () => {
  const needed = {
    controller: [],
    agent: ['NET_ADMIN', 'NET_RAW'],
    pulse: ['NET_RAW', 'NET_ADMIN', 'SYS_NICE', 'IPC_LOCK'],
  };
  for (const { program, pod, container } of pods) {
    const context = container['securityContext'] as {
      readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
      readonly [field: string]: unknown;
    };
    assert.equal(context['readOnlyRootFilesystem'], true);
    assert.equal(context['allowPrivilegeEscalation'], false);
    assert.equal(context['privileged'], undefined);
    assert.deepEqual(context.capabilities.drop, ['ALL']);
    assert.deepEqual(context.capabilities.add ?? [], needed[program]);
    const ofPod = pod.spec['securityContext'] as Readonly<Record<string, unknown>>;
    assert.deepEqual(ofPod['seccompProfile'], { type: 'RuntimeDefault' });
    // Added capabilities are root's alone.
    if (needed[program].length === 0) assert.equal(ofPod['runAsNonRoot'], true);
    else assert.equal(context['runAsUser'], 0);
    const { requests, limits } = container['resources'] as Record<string, Record<string, string>>;
    assert.ok(requests?.['cpu'] !== undefined && requests['memory'] !== undefined);
    assert.ok(limits?.['memory'] !== undefined && limits['cpu'] === undefined);
  }
});

test('selectors find the pods of one program alone', () => {
  const found = (selector: object): string[] =>
    pods
      .filter(({ pod }) =>
        Object.entries(selector).every(([name, value]) => pod.metadata.labels[name] === value),
      )
      .map(({ program }) => program);
  for (const { program, workload } of pods) {
    const { selector } = workload['spec'] as { readonly selector: { readonly matchLabels: object } };
    assert.deepEqual(found(selector.matchLabels), [program]);
  }
  const service = objects.find(({ kind }) => kind === 'Service')?.['spec'] as WebhookService;
  assert.deepEqual(found(service.selector), ['controller']);
  const [port] = service.ports;
  assert.ok(portsOf('controller').some(({ name }) => name === port?.targetPort));
});

test('probes ask the port that the program listens on', () => {
  for (const { program, pod, container } of pods) {
    const http = optionOf(container.args, 'http');
    if (program === 'pulse') {
      assert.equal(http, undefined);
      assert.equal(container['livenessProbe'], undefined);
      continue;
    }
    const port = portsOf(program).find(({ name }) => name === 'http')?.containerPort;
    assert.equal(parseListenAddress(http ?? '')?.port, port);
    for (const [probe, path] of [
      ['readinessProbe', '/readyz'],
      ['livenessProbe', '/healthz'],
    ] as const) {
      const { httpGet } = container[probe] as Probe;
      assert.equal(httpGet.path, path);
      assert.equal(httpGet.port, 'http');
    }
    const annotations = (pod.metadata as { readonly annotations?: Record<string, string> }).annotations;
    assert.equal(annotations?.['prometheus.io/port'], String(port));
  }
});

test('agent and pulse of a node share its directory and the key, where they look for them', () => {
  const places = pods
    .filter(({ program }) => program !== 'controller')
    .map(({ pod, container }) => {
      assert.equal(pod.spec['hostNetwork'], true);
      assert.deepEqual(pod.spec['tolerations'], [{ operator: 'Exists' }]);
      assert.equal(pod.spec['priorityClassName'], 'system-node-critical');
      const volumes = pod.spec['volumes'] as readonly Volume[];
      const mounts = container['volumeMounts'] as readonly Mount[];
      assert.deepEqual(mounts.map(({ name }) => name).sort(), volumes.map(({ name }) => name).sort());
      const volumeAt = (path: string | undefined): Volume | undefined =>
        volumes.find(({ name }) => name === mounts.find(({ mountPath }) => mountPath === path)?.name);
      for (const option of ['run-dir', 'state-dir']) {
        const path = optionOf(container.args, option);
        // What is in the container as it is on the node is found there by people, too.
        if (path !== undefined) assert.equal(volumeAt(path)?.hostPath?.path, path);
      }
      const key = volumes.find(({ secret }) => secret !== undefined);
      assert.equal(key?.secret?.optional, true);
      const keyPath = mounts.find(({ name }) => name === key.name)?.mountPath;
      return { run: optionOf(container.args, 'run-dir'), key: key.secret.secretName, keyPath };
    });
  const [agent, pulse] = places;
  assert.deepEqual(agent, pulse);
  const agentArguments = pods.find(({ program }) => program === 'agent')?.container.args ?? [];
  assert.equal(optionOf(agentArguments, 'key-file'), `${agent?.keyPath}/membership.key`);
});

test('the nodes with a pulse are the members', () => {
  const agentArguments = pods.find(({ program }) => program === 'agent')?.container.args ?? [];
  const wanted = optionOf(agentArguments, 'member-pods')?.split(',') ?? [];
  const labelsOf = ({ pod }: { readonly pod: PodTemplate }): string[] =>
    Object.entries(pod.metadata.labels).map(([name, value]) => `${name}=${value}`);
  const found = pods.filter((one) => wanted.every((label) => labelsOf(one).includes(label)));
  assert.deepEqual(
    found.map(({ program }) => program),
    ['pulse'],
  );
});
