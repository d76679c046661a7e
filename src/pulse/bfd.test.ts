// BFD's shell over a fake network: which sockets are open, what is told to the agent, and how sessions pass from pulse to
// pulse.
import assert from 'node:assert/strict';
import { type MockTimers, mock, test } from 'node:test';
import { type ControlPacket, readControlPacket, writeControlPacket } from '../announce/bfd/message.ts';
import { samplePacket } from '../announce/bfd/sample-packets.ts';
import { seeded } from '../announce/bfd/simulation.ts';
import { parseAddress } from '../model/address.ts';
import { silentLog } from '../observe/log.ts';
import { type Bfd, createBfd } from './bfd.ts';
import type { BfdFromPulse, LinkBfdSession, LinkBfdState } from './bfd-link.ts';
import { createFakeBfdNetwork, type FakeBfdNetwork, noEcho, originOf } from './fake-bfd-network.ts';

const peer = '192.0.2.7';
const address = parseAddress(peer) ?? { family: 'IPv4', value: 0n };

const wanted = (more: Partial<LinkBfdSession> = {}): LinkBfdSession => ({
  peer,
  isMultihop: false,
  profile: {
    receiveIntervalMilliseconds: 50,
    transmitIntervalMilliseconds: 50,
    detectMultiplier: 3,
    echoIntervalMilliseconds: 50,
    echoMode: false,
    passiveMode: false,
    minimumTtl: 254,
  },
  ...more,
});

interface Bench extends Disposable {
  readonly bfd: Bfd;
  readonly network: FakeBfdNetwork;
  readonly told: BfdFromPulse[];
  states(): LinkBfdState[];
  last(): ControlPacket;
  hear(more: Partial<ControlPacket>): void;
  run(milliseconds: number): Promise<void>;
  /** The process is kept from running for so long. */
  stall(milliseconds: number): void;
}

const eth0 = { name: 'eth0', index: 2, mac: new Uint8Array(6), addresses: [] };

let timers: MockTimers;

function bench(seed = 1): Bench {
  const network = createFakeBfdNetwork();
  const told: BfdFromPulse[] = [];
  const bfd = createBfd({
    network,
    echo: noEcho,
    log: silentLog,
    now: () => clock,
    random: seeded(seed),
    tell: (message) => told.push(message),
  });
  bfd.linksChanged([eth0]);
  const it: Bench = {
    bfd,
    network,
    told,
    states: () => told.flatMap((message) => (message.type === 'bfd' ? message.upserts : [])),
    last() {
      const packet = readControlPacket(network.sent.at(-1)?.bytes ?? new Uint8Array(0));
      assert.ok(!('error' in packet));
      return packet;
    },
    hear(more) {
      network.queue('IPv4 single-hop', writeControlPacket(samplePacket(more)), originOf(address));
      network.deliver('IPv4 single-hop');
    },
    async run(milliseconds) {
      for (let passed = 0; passed < milliseconds; passed++) {
        clock++;
        timers.tick(1);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    stall(milliseconds) {
      clock += milliseconds;
    },
    [Symbol.dispose]: () => bfd[Symbol.dispose](),
  };
  return it;
}

let clock = 0;

/** Each test has the clock to itself. */
function testBfd(title: string, work: () => Promise<void>): void {
  test(title, async () => {
    clock = 1000;
    timers = mock.timers;
    timers.enable({ apis: ['setInterval', 'setTimeout'] });
    try {
      await work();
    } finally {
      timers.reset();
    }
  });
}

async function comeUp(it: Bench): Promise<void> {
  it.bfd.configure([wanted({ interface: 'eth0' })]);
  await it.run(150);
  const { myDiscriminator } = it.last();
  it.hear({ state: 'init', yourDiscriminator: myDiscriminator, desiredMinTxMicroseconds: 50_000 });
  it.hear({ state: 'up', yourDiscriminator: myDiscriminator, desiredMinTxMicroseconds: 50_000, final: true });
  await it.run(1);
  assert.equal(it.states().at(-1)?.state, 'up');
}

testBfd(
  'ports are open while a session needs them, and one that is taken is told and tried again',
  async () => {
    using it = bench();
    it.network.listenErrors.push(98);
    it.bfd.configure([wanted(), wanted({ peer: '2001:db8::7', isMultihop: true })]);
    assert.deepEqual([...it.network.listening], ['IPv6 multihop']);
    await it.run(10);
    const state = it.states().findLast((one) => one.peer === peer);
    assert.match(state?.problem ?? '', /another program .* 3784/);
    await it.run(1100);
    assert.deepEqual([...it.network.listening].sort(), ['IPv4 single-hop', 'IPv6 multihop']);
    assert.equal(
      it
        .states()
        .filter((one) => one.peer === peer)
        .at(-1)?.problem,
      undefined,
    );
    it.bfd.configure([]);
    await it.run(5000);
    assert.deepEqual([...it.network.listening], []);
    assert.equal(it.network.senders.size, 0);
  },
);

testBfd('a session whose interface is not there waits for it, and says so', async () => {
  using it = bench();
  it.bfd.configure([wanted({ interface: 'eth7' })]);
  await it.run(1100);
  assert.match(it.states().at(-1)?.problem ?? '', /no interface eth7/);
  assert.equal(it.network.sent.length, 0);
  it.bfd.linksChanged([eth0, { ...eth0, name: 'eth7', index: 7 }]);
  await it.run(2100);
  assert.ok(it.network.sent.length >= 1);
  assert.equal(it.states().at(-1)?.problem, undefined);
});

testBfd('source ports are in the dynamic range, and one that is taken is passed over', async () => {
  using it = bench();
  it.network.senderErrors.push(98, 98);
  it.bfd.configure([wanted()]);
  await it.run(200);
  const [port = 0] = it.network.senders;
  assert.ok(port >= 49_152 && port <= 65_535);
});

testBfd('a packet that meets the refusal of one before is sent once more', async () => {
  using it = bench();
  it.network.sendErrors.push('ECONNREFUSED');
  it.bfd.configure([wanted()]);
  await it.run(120);
  assert.equal(it.network.sent.length, 1);
  assert.equal(it.states().at(-1)?.problem, undefined);
});

testBfd('a session that goes down and comes up in one turn is told as both', async () => {
  using it = bench();
  await comeUp(it);
  it.told.length = 0;
  const { myDiscriminator } = it.last();
  for (const state of ['down', 'init'] as const) {
    const packet = samplePacket({ state, yourDiscriminator: myDiscriminator });
    it.network.queue('IPv4 single-hop', writeControlPacket(packet), originOf(address));
  }
  it.network.deliver('IPv4 single-hop');
  assert.deepEqual(
    it.states().map(({ state }) => state),
    ['down', 'up'],
  );
});

testBfd(
  'packets that waited while this process was kept from running are heard before the peer is judged',
  async () => {
    using it = bench();
    await comeUp(it);
    const { myDiscriminator } = it.last();
    it.stall(10_000);
    const timer = { desiredMinTxMicroseconds: 50_000 };
    const packet = samplePacket({ state: 'up', yourDiscriminator: myDiscriminator, ...timer });
    it.network.queue('IPv4 single-hop', writeControlPacket(packet), originOf(address));
    // The timer comes first.
    timers.tick(100);
    await it.run(1);
    assert.equal(it.states().at(-1)?.state, 'up');
    await it.run(400);
    assert.equal(it.states().at(-1)?.state, 'down');
  },
);

testBfd('what was refused, the slacks and the counts are told each second', async () => {
  using it = bench();
  await comeUp(it);
  const { myDiscriminator } = it.last();
  for (let turn = 0; turn < 25; turn++) {
    it.hear({ state: 'up', yourDiscriminator: myDiscriminator, desiredMinTxMicroseconds: 50_000 });
    await it.run(40);
  }
  it.hear({ state: 'up', yourDiscriminator: 1 });
  await it.run(1000);
  const counters = it.told.findLast((message) => message.type === 'bfd-counters');
  assert.deepEqual(counters?.refused, [{ cause: 'no-session', count: 1 }]);
  const first = it.told.find((message) => message.type === 'bfd-counters');
  const [session] = first?.sessions ?? [];
  assert.ok((session?.packetsReceived ?? 0) > 15);
  assert.equal(session?.ups, 1);
  assert.equal(session?.receiveSlackMilliseconds, 110);
  assert.ok((session?.transmitSlackMilliseconds ?? 0) >= 97);
  assert.equal(first?.smallestReceiveSlackMilliseconds, 110);
});

testBfd('leaving tells the peer three times that it is meant', async () => {
  using it = bench();
  await comeUp(it);
  it.network.sent.length = 0;
  const left = it.bfd.leave();
  await it.run(100);
  await left;
  assert.deepEqual(
    it.network.sent.map(({ bytes }) => (bytes[1] ?? 0) >> 6),
    [0, 0, 0],
  );
  assert.equal(it.last().diagnostic, 7);
});

testBfd('a session passes to another pulse with its port, its discriminators and its state', async () => {
  using first = bench();
  await comeUp(first);
  const before = first.last();
  const [port] = first.network.senders;
  first.network.sent.length = 0;
  const estate = structuredClone(first.bfd.bequeath());
  assert.equal(first.network.sent.length, 1);
  assert.equal(first.network.senders.size, 0);
  assert.equal(first.network.listening.size, 0);
  first.network.sent.length = 0;
  await first.run(200);
  assert.equal(first.network.sent.length, 0);

  using second = bench(2);
  second.bfd.inherit(estate);
  second.bfd.configure([wanted({ interface: 'eth0' })]);
  await second.run(2);
  assert.equal(second.network.sent.length, 1);
  assert.deepEqual([...second.network.senders], [port]);
  assert.deepEqual([...second.network.listening], ['IPv4 single-hop']);
  const after = second.last();
  assert.equal(after.state, 'up');
  assert.equal(after.myDiscriminator, before.myDiscriminator);
  assert.equal(after.yourDiscriminator, before.yourDiscriminator);
  assert.deepEqual(
    second.bfd
      .greeting()
      .flatMap((message) => (message.type === 'bfd' ? message.upserts : []))
      .map(({ state }) => state),
    ['up'],
  );
});
