// The pulse as a process: what ends it, what does not, and frames and interfaces that only a kernel can make.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { captureFrames } from '../../lab/capture.ts';
import { until } from '../../lab/gantry.ts';
import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { gantryCommand } from '../../lab/program.ts';
import { type LabPulse, linkAddress, startPulse } from '../../lab/pulses.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { standardTopology, type Topology } from '../../lab/topology.ts';
import { readArp, writeArp } from '../../src/announce/layer2/arp.ts';
import { broadcastMac, zeroMac } from '../../src/announce/layer2/ethernet.ts';
import { type Link, listLinks } from '../../src/linux/links.ts';
import { openPacketSocket } from '../../src/linux/packet-socket.ts';
import { type Address, formatAddress, parseAddress } from '../../src/model/address.ts';
import { connectPulse, pulseSocketPath } from '../../src/pulse/client.ts';
import { createMulticastGroups } from '../../src/pulse/multicast-groups.ts';

const vip = '192.0.2.200';
const group = 'ff02::1:ff00:50';

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  assert.ok(address);
  return address;
};

interface Scene extends AsyncDisposable {
  readonly lab: Lab;
  readonly topology: Topology;
  readonly pulses: LabPulse[];
}

/** Nodes with a pulse each; the first is wanted most, and owns the address. */
async function scene(count: number): Promise<Scene> {
  const lab = await createLab();
  const topology = standardTopology(lab, count);
  const pulses = topology.nodes.map((node) => startPulse(lab, node, topology.nodes));
  const names = topology.nodes.map(({ name }) => name);
  for (const pulse of pulses) pulse.announce([linkAddress(vip, names)]);
  await until('the first owns', () => pulses[0]?.owned.has(vip));
  return {
    lab,
    topology,
    pulses,
    async [Symbol.asyncDispose]() {
      for (const pulse of pulses) pulse[Symbol.dispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

function linkOf(host: Host, name: string): Link {
  const link = host.inside(() => listLinks().find((one) => one.name === name));
  assert.ok(link);
  return link;
}

const logOf = (pulse: LabPulse): string =>
  readFileSync(pulse.node.host.logPath(`${pulse.node.name}-pulse`), 'utf8');

testInsideLab(import.meta.filename, () => {
  test('requests of a VLAN without an interface here, or to another machine, are not answered', async () => {
    await using it = await scene(1);
    const { neighbour, lan } = it.topology;
    const asker = linkOf(neighbour, 'eth0');
    using socket = neighbour.inside(() =>
      openPacketSocket({ interfaceIndex: asker.index, protocol: 3, onFrame: () => {} }),
    );
    const request = (destinationMac: Uint8Array): Uint8Array =>
      writeArp({
        destinationMac,
        operation: 'request',
        senderMac: asker.mac,
        senderIp: addressOf('192.0.2.100'),
        targetMac: zeroMac,
        targetIp: addressOf(vip),
      });
    const plain = request(broadcastMac);
    const tagged = Uint8Array.from([...plain.subarray(0, 12), 0x81, 0, 0, 100, ...plain.subarray(12)]);
    using capture = captureFrames(lan, 0x0806);
    const answers = () =>
      capture.frames.filter(({ from, bytes }) => {
        const arp = readArp(bytes);
        return from === 'node1' && !('error' in arp) && formatAddress(arp.targetIp) === '192.0.2.100';
      }).length;
    // The switch floods what is for a MAC that it has never seen.
    for (const frame of [tagged, request(Uint8Array.of(2, 0, 0, 0, 0x77, 0x77))]) socket.send(frame);
    await sleep(100);
    assert.equal(answers(), 0);
    // Asked again, as every resolver does: a node that was late is silent for a moment.
    await until('the plain one is answered', async () => {
      socket.send(plain);
      await sleep(100);
      return answers() > 0;
    });
  });

  test('our own second interface on the segment is no rival, a stranger is one', async () => {
    await using it = await scene(1);
    const { lab, topology, pulses } = it;
    const [pulse] = pulses;
    assert.ok(pulse);
    lab.connect(pulse.node.host, 'eth1', topology.lan, ['192.0.2.22/24']);
    await until('both answer', () => pulse.owned.get(vip)?.interfaces.length === 2);
    await sleep(1500);
    assert.doesNotMatch(logOf(pulse), /address-conflict/);
    topology.neighbour.ip(`address add ${vip}/32 dev eth0`);
    const claim = ['/usr/bin/arping', '-A', '-c', '3', '-w', '4', '-I', 'eth0', vip] as const;
    topology.neighbour.exec([...claim], { mayFail: true });
    assert.match(logOf(pulse), /address-conflict/);
  });

  test('a node that comes back waits for its agent’s table before the others yield', async () => {
    await using it = await scene(2);
    const { lab, topology, pulses } = it;
    const [first, second] = pulses;
    const [node1] = topology.nodes;
    assert.ok(first && second && node1);
    first.process.kill('SIGKILL');
    await until('the second took over', () => second.owned.has(vip));
    first[Symbol.dispose]();
    // It replaces the socket that the dead one left. Its agent says who the members are, and no more.
    const runDirectory = join(lab.directory, 'run-node1');
    node1.host.spawn(gantryCommand('pulse', '--run-dir', runDirectory));
    const members = topology.nodes.map(({ name, addresses }) => ({ name, addresses }));
    const keyFile = join(lab.directory, 'membership.key');
    const owned = new Set<string>();
    using agent = connectPulse(pulseSocketPath(runDirectory), {
      connected: () => agent.send({ type: 'configure', node: 'node1', members, keyFile }),
      message(message) {
        if (message.type === 'owned') for (const { address } of message.upserts) owned.add(address);
      },
      disconnected() {},
    });
    await until('it is alive', () =>
      second.members.some(({ name, state }) => name === 'node1' && state === 'alive'),
    );
    await sleep(2000);
    assert.deepEqual([owned.size, second.owned.size], [0, 1]);
    const upserts = [linkAddress(vip, ['node1', 'node2'])];
    agent.send({ type: 'announce', replace: true, upserts, removals: [] });
    await until('it has the address back', () => owned.has(vip) && !second.owned.has(vip), 25_000);
  });

  test('SIGTERM hands over and ends the process, though a listener is frozen', async () => {
    await using it = await scene(2);
    const [first, second] = it.pulses;
    assert.ok(first && second);
    const path = pulseSocketPath(join(it.lab.directory, 'run-node1'));
    const script = `require('node:net').connect(${JSON.stringify(path)}).on('data', () => process.kill(process.pid, 'SIGSTOP'))`;
    const listener = it.topology.neighbour.spawn([process.execPath, '-e', script]);
    await until('the listener is frozen', () =>
      / T /.test(readFileSync(`/proc/${listener.pid}/stat`, 'utf8')),
    );
    first.process.kill('SIGTERM');
    await until('the other has it', () => second.owned.has(vip));
    await until('the process has ended', () => first.process.exitCode === 0);
    assert.equal(second.owned.has(vip), true);
  });

  test('messages of other shapes, and the end of its interface, leave the pulse running', async () => {
    await using it = await scene(1);
    const [pulse] = it.pulses;
    assert.ok(pulse);
    const stranger = connect(pulseSocketPath(join(it.lab.directory, 'run-node1')));
    stranger.on('error', () => {});
    stranger.resume();
    stranger.write('{"type":"announce"}\n');
    await until('it says so', () => /message-unknown/.test(logOf(pulse)));
    stranger.destroy();
    pulse.node.host.ip('link del eth0');
    pulse.announce([linkAddress(vip, ['node1']), linkAddress('2001:db8:1::200', ['node1'])]);
    await until('it owns nothing', () => pulse.owned.size === 0);
    it.lab.connect(pulse.node.host, 'eth2', it.topology.lan, ['192.0.2.11/24', '2001:db8:1::11/64']);
    await until('it owns both', () => pulse.owned.size === 2);
    assert.equal(pulse.process.exitCode, null);
  });

  test('an interface that vanishes takes its own multicast memberships along, and thousands fit', async () => {
    await using lab = await createLab();
    const host = lab.host('node');
    for (const name of ['eth0', 'eth1']) lab.connect(host, name, lab.segment(`lan-${name}`));
    const groupsOn = (name: string): string => host.exec(['ip', '-6', 'maddr', 'show', 'dev', name]).stdout;
    const first = createMulticastGroups('eth0', noPackets);
    const second = createMulticastGroups('eth1', noPackets);
    host.inside(() => {
      second.join(addressOf(group));
      first.join(addressOf(group));
    });
    host.ip('link del eth1');
    host.inside(() => second.leave(addressOf(group)));
    assert.match(groupsOn('eth0'), new RegExp(group));
    host.inside(() => first.leave(addressOf(group)));
    assert.doesNotMatch(groupsOn('eth0'), new RegExp(group));
    // Thousands take several turns of the event loop, which must all be the host's.
    host.spawn([process.execPath, '--input-type=module', '-e', joinThousands]);
    await until('all are joined', () => groupsOn('eth0').match(/ff02::1:ff01:/g)?.length === 3000);
  });
});

const noPackets = { addMulticast: () => {}, removeMulticast: () => {} };

const sourceOf = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../src', path));

const joinThousands = `
  import { createMulticastGroups } from ${sourceOf('pulse/multicast-groups.ts')};
  import { parseAddress } from ${sourceOf('model/address.ts')};
  const groups = createMulticastGroups('eth0', {
    addMulticast() { throw new Error('IPv6 is on') },
    removeMulticast() {},
  });
  for (let number = 0; number < 3000; number++)
    groups.join(parseAddress('ff02::1:ff01:' + number.toString(16)));
  setTimeout(() => {}, 20_000);
`;
