// The lab itself: it touches nothing outside, vanishes with whoever started it, and breaks only what it is told to.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { captureFrames } from '../../lab/capture.ts';
import { until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { createLab } from '../../lab/lab.ts';
import type { ProbeReport } from '../../lab/probe.ts';
import { enterScript, gantryCommand } from '../../lab/program.ts';
import type { StreamReport } from '../../lab/stream.ts';
import { addPod, standardTopology, type TopologyPod } from '../../lab/topology.ts';

const root = join(import.meta.dirname, '../..');

/** Starts the responder in a pod and waits until it listens. */
async function startResponder({ name, host }: TopologyPod): Promise<ChildProcess> {
  const responder = host.spawn(gantryCommand('lab', 'responder', name, '8080', '8081'), { pipe: true });
  assert.ok(responder.stdout);
  await once(responder.stdout, 'data');
  return responder;
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return text;
}

/** Probes a pod by all four ways, until `finish`. */
function startProbe(client: Host, pod: TopologyPod): { finish(): Promise<ProbeReport[]> } {
  const targets = ['tcp', 'udp'].flatMap((protocol) => [
    `${protocol}:${pod.ipv4}:8080`,
    `${protocol}:[${pod.ipv6}]:8080`,
  ]);
  const child = client.spawn(gantryCommand('lab', 'probe', ...targets, '--timeout', '100'), { pipe: true });
  const output = outputOf(child);
  return {
    async finish() {
      child.kill('SIGTERM');
      return JSON.parse(await output);
    },
  };
}

const pings = (host: Host, address: string): boolean =>
  host.exec(['ping', '-c', '1', '-W', '1', '-n', address], { mayFail: true }).code === 0;

/** A program for `node -e` that builds the standard network, says so, and stays. */
const stayingProgram = `
  import { createLab } from ${JSON.stringify(join(root, 'lab/lab.ts'))};
  import { standardTopology } from ${JSON.stringify(join(root, 'lab/topology.ts'))};
  const lab = await createLab();
  const { nodes } = standardTopology(lab);
  for (const { host } of nodes) host.spawn(['sleep', '1000']);
  console.log(process.getuid?.());
  setInterval(() => {}, 1000);`;

const stayingCommand = [process.execPath, '--input-type=module', '-e', stayingProgram] as const;

/** The network namespaces of all processes that this one can see. */
function networkNamespaces(): string[] {
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      found.add(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      // It ended meanwhile, or is a zombie: in no namespace any more.
    }
  }
  return [...found];
}

/** What a person sees of this network namespace and its rules. */
const networkState = (): string =>
  [
    'ip -o link',
    'ip -o address',
    'ip route show table all',
    'ip -6 route show table all',
    'nft list ruleset',
    'ip netns list',
  ]
    .map((line) => execFileSync('sh', ['-c', line], { encoding: 'utf8' }))
    .join('\n');

test('the standard network is up at once, and the client reaches every pod', {
  timeout: 60_000,
}, async () => {
  const started = performance.now();
  await using lab = await createLab();
  const { client, neighbour, nodes } = standardTopology(lab);
  const pods = nodes.map((node) => addPod(lab, node, 1, `pod-${node.name}`));
  const took = performance.now() - started;
  assert.ok(took < 2_500, `it took ${took} ms`);
  await Promise.all(pods.map(startResponder));
  for (const pod of pods) {
    const probe = startProbe(client, pod);
    await sleep(300);
    for (const report of await probe.finish()) {
      assert.ok(report.attempts > 5, JSON.stringify(report));
      assert.deepEqual(
        [report.failed, Object.keys(report.answeredBy)],
        [0, [pod.name]],
        JSON.stringify(report),
      );
    }
  }
  for (const { addresses } of nodes)
    for (const address of addresses) assert.ok(pings(neighbour, address), address);
});

test('a probe tells how long its target was silent, and each way alike', { timeout: 60_000 }, async () => {
  await using lab = await createLab();
  const {
    client,
    lan,
    nodes: [node],
  } = standardTopology(lab, 1);
  assert.ok(node);
  const pod = addPod(lab, node, 1, 'pod');
  await startResponder(pod);
  const probe = startProbe(client, pod);
  await sleep(500);
  {
    using _cut = lan.cut({ to: node.host });
    await sleep(500);
  }
  await sleep(500);
  for (const report of await probe.finish()) {
    const { outageMilliseconds, answered, failed, failures } = report;
    assert.ok(outageMilliseconds >= 450 && outageMilliseconds < 5_000, JSON.stringify(report));
    assert.ok(answered > 20 && failed > 20, JSON.stringify(report));
    assert.deepEqual(Object.keys(failures), ['timeout']);
  }
});

test('a probe goes on where there is no route, and tells so', { timeout: 60_000 }, async () => {
  await using lab = await createLab();
  const alone = lab.host('alone');
  const child = alone.spawn(
    gantryCommand(
      'lab',
      'probe',
      'tcp:192.0.2.1:80',
      'udp:192.0.2.1:80',
      'udp:[2001:db8::1]:80',
      '--duration',
      '100',
    ),
    { pipe: true },
  );
  for (const { failures, answered } of JSON.parse(await outputOf(child)) as ProbeReport[]) {
    assert.deepEqual([Object.keys(failures), answered], [['ENETUNREACH'], 0]);
  }
});

test('a stream keeps every byte through a cut, and tells that it stalled', { timeout: 60_000 }, async () => {
  await using lab = await createLab();
  const {
    client,
    lan,
    nodes: [node],
  } = standardTopology(lab, 1);
  assert.ok(node);
  const pod = addPod(lab, node, 1, 'pod');
  await startResponder(pod);
  const child = client.spawn(gantryCommand('lab', 'stream', pod.ipv4, '8081', '2000'), { pipe: true });
  const output = outputOf(child);
  await sleep(700);
  {
    using _cut = lan.cut({ from: node.host });
    await sleep(300);
  }
  const report: StreamReport = JSON.parse(await output);
  assert.deepEqual([report.ok, report.error], [true, undefined]);
  assert.ok(report.bytes > 100_000 && report.longestStallMilliseconds >= 250, JSON.stringify(report));
});

test('a cable unplugged takes the carrier; a cut takes frames one way, and nobody notices', {
  timeout: 60_000,
}, async () => {
  await using lab = await createLab();
  const lan = lab.segment('lan');
  const [a, b, c] = ['a', 'b', 'c'].map((name) => lab.host(name));
  assert.ok(a && b && c);
  const cable = lab.connect(a, 'eth0', lan, ['192.0.2.1/24']);
  lab.connect(b, 'eth0', lan, ['192.0.2.2/24']);
  lab.connect(c, 'eth0', lan, ['192.0.2.3/24']);
  const hasCarrier = (): boolean => !a.exec(['ip', 'link', 'show', 'eth0']).stdout.includes('NO-CARRIER');
  assert.ok(pings(a, '192.0.2.2'));

  cable.unplug();
  assert.deepEqual([hasCarrier(), pings(a, '192.0.2.2')], [false, false]);
  cable.plug();
  await until('the carrier is back', () => hasCarrier() && pings(a, '192.0.2.2'));

  {
    using _toOne = lan.cut({ from: a, to: b });
    assert.deepEqual([hasCarrier(), pings(a, '192.0.2.2'), pings(a, '192.0.2.3')], [true, false, true]);
    using heard = captureFrames(lan);
    assert.equal(pings(b, '192.0.2.1'), false);
    // Its request arrives, and a answers: only the answer is lost.
    await heard.waitFor(({ from, bytes }) => from === 'a' && bytes.length >= 42, 5_000);
    {
      using _fromAll = lan.cut({ to: a });
      assert.equal(pings(c, '192.0.2.1'), false);
    }
    assert.ok(pings(c, '192.0.2.1'));
  }
  assert.ok(pings(a, '192.0.2.2'));
});

test('a capture has each frame once, under the name of its sender', { timeout: 60_000 }, async () => {
  const arp = 0x0806;
  await using lab = await createLab();
  const lan = lab.segment('lan');
  for (const [index, name] of ['a', 'b', 'c'].entries()) {
    lab.connect(lab.host(name), 'eth0', lan, [`192.0.2.${index + 1}/24`]);
  }
  using capture = captureFrames(lan, arp);
  const a = lab.hosts.get('a');
  assert.ok(a && pings(a, '192.0.2.2'));
  const operation = (bytes: Uint8Array): number | undefined => bytes[21];
  await capture.waitFor(({ bytes }) => operation(bytes) === 2, 5_000);
  assert.deepEqual(
    capture.frames.map(({ from, bytes }) => [from, operation(bytes)]),
    [
      ['a', 1],
      ['b', 2],
    ],
  );
  await assert.rejects(
    capture.waitFor(({ from }) => from === 'c', 50),
    /none of 2 frames/,
  );
});

test('a frozen host says nothing and remembers all; one powered off is gone with its pods', {
  timeout: 60_000,
}, async () => {
  await using lab = await createLab();
  const {
    client,
    nodes: [node],
  } = standardTopology(lab, 1);
  assert.ok(node);
  const pod = addPod(lab, node, 1, 'pod');
  await startResponder(pod);
  node.host.spawn(['sleep', '1000']);
  const asked = async (): Promise<ProbeReport> => {
    const child = client.spawn(
      gantryCommand(
        'lab',
        'probe',
        `udp:${pod.ipv4}:8080`,
        '--interval',
        '1000',
        '--timeout',
        '300',
        '--duration',
        '100',
      ),
      { pipe: true },
    );
    const [report] = JSON.parse(await outputOf(child));
    return report;
  };
  pod.host.freeze();
  assert.equal((await asked()).answered, 0);
  pod.host.thaw();
  assert.equal((await asked()).answered, 1);

  assert.deepEqual([node.host.processes().length, pod.host.processes().length], [1, 1]);
  node.host.powerOff();
  while (node.host.processes().length + pod.host.processes().length > 0) await sleep(5);
  assert.deepEqual((await asked()).answered, 0);
});

test('two labs in one process do not meet', { timeout: 60_000 }, async () => {
  await using first = await createLab();
  await using second = await createLab();
  for (const lab of [first, second]) lab.connect(lab.host('a'), 'eth0', lab.segment('lan'), ['192.0.2.1/24']);
  second.connect(second.host('b'), 'eth0', second.segment('lan2'), ['192.0.2.2/24']);
  assert.equal(pings(first.hosts.get('a') ?? assert.fail(), '192.0.2.2'), false);
});

test('a lab outside of private namespaces is refused, with what to do', () => {
  const { GANTRY_LAB: _, ...env } = process.env;
  const { status, stderr } = spawnSync(stayingCommand[0], stayingCommand.slice(1), { encoding: 'utf8', env });
  assert.notEqual(status, 0);
  assert.match(stderr, /run this by lab\/enter COMMAND/);
});

test('the network that a lab is started from is not touched', { timeout: 60_000 }, async () => {
  const before = networkState();
  const child = spawn(enterScript, stayingCommand, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  assert.equal(networkState(), before);
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(networkState(), before);
});

for (const victim of ['itself', 'its command', 'the process that started it'] as const) {
  test(`nothing is left of a lab after SIGKILL of ${victim}`, { timeout: 60_000 }, async () => {
    const before = new Set(networkNamespaces());
    const fresh = (): string[] => networkNamespaces().filter((namespace) => !before.has(namespace));
    const starter = spawn('sh', ['-c', '"$@"; exit', 'sh', enterScript, ...stayingCommand], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await once(starter.stdout, 'data');
      // Its own, and those of three nodes.
      while (fresh().length < 4) await sleep(5);
      process.kill(processOf(victim, starter), 'SIGKILL');
      while (fresh().length > 0) await sleep(5);
    } finally {
      starter.kill('SIGKILL');
    }
  });
}

type Victim = 'itself' | 'its command' | 'the process that started it';

function processOf(victim: Victim, starter: ChildProcess): number {
  assert.ok(starter.pid);
  const own = childOf(starter.pid);
  switch (victim) {
    case 'the process that started it':
      return starter.pid;
    case 'itself':
      return own;
    case 'its command':
      return childOf(childOf(own));
    default:
      return victim satisfies never;
  }
}

/** The one child of a process. */
const childOf = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }));

test('an ordinary user may do all of it', { timeout: 60_000 }, async (context) => {
  // The whole range is mapped only where root is really root.
  const isRealRoot = readFileSync('/proc/self/uid_map', 'utf8').includes('4294967295');
  if (!isRealRoot) return context.diagnostic('this whole file was run by an ordinary user');
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const child = spawn('setpriv', [...nobody, enterScript, ...stayingCommand], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.equal(readFileSync(`/proc/${child.pid}/status`, 'utf8').match(/^Uid:\s+(\d+)/m)?.[1], '65534');
  child.kill('SIGKILL');
  await once(child, 'close');
});

test('settings are each host’s own', { timeout: 60_000 }, async () => {
  await using lab = await createLab();
  const [a, b] = [lab.host('a'), lab.host('b')];
  a.sysctl('ipv4/ip_forward', 1);
  assert.deepEqual(
    [a, b].map((host) => host.inside(() => readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim())),
    ['1', '0'],
  );
});
