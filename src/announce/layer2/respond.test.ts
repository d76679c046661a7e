// Answers to ARP and neighbour solicitations, case by case, and readers that no bytes can upset.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, formatAddress, parseAddress } from '../../model/address.ts';
import { type ArpMessage, gratuitousArp, readArp, writeArp } from './arp.ts';
import { broadcastMac, zeroMac } from './ethernet.ts';
import { allNodes, multicastMac } from './icmpv6.ts';
import {
  readSolicitation,
  solicitedNodeGroup,
  unsolicitedAdvertisement,
  unspecified,
  writeAdvertisement,
} from './ndp.ts';
import { type Registry, respond } from './respond.ts';
import { solicitationFrame } from './solicitation-sample.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
};
const mine = Uint8Array.of(2, 0, 0, 0, 0, 1);
const theirs = Uint8Array.of(2, 0, 0, 0, 0, 2);
const vip4 = address('192.0.2.200');
const vip6 = address('2001:db8:1::200');
const asker4 = address('192.0.2.254');
const asker6 = address('2001:db8:1::fe');
const owned = new Set([formatAddress(vip4), formatAddress(vip6)]);
const registry = (parts: Partial<Registry> = {}): Registry => ({
  owns: (text) => owned.has(text),
  ownedKey: (text) => (owned.has(text) ? text : undefined),
  knownKey: () => undefined,
  ...parts,
});
const answer = (frame: Uint8Array) => respond(frame, mine, registry());

const arpRequest = (overrides: Partial<ArpMessage> = {}): Uint8Array =>
  writeArp({
    destinationMac: broadcastMac,
    operation: 'request',
    senderMac: theirs,
    senderIp: asker4,
    targetMac: zeroMac,
    targetIp: vip4,
    ...overrides,
  });

function arpAnswer(frame: Uint8Array): ArpMessage {
  const response = answer(frame);
  assert.equal(response.kind, 'answer');
  const message = response.kind === 'answer' ? readArp(response.frame) : undefined;
  assert.ok(message && !('error' in message));
  return message;
}

test('an ARP request for our address is answered to the asker alone', () => {
  for (const destinationMac of [broadcastMac, mine]) {
    assert.deepEqual(arpAnswer(arpRequest({ destinationMac })), {
      destinationMac: theirs,
      operation: 'reply',
      senderMac: mine,
      senderIp: vip4,
      targetMac: theirs,
      targetIp: asker4,
    });
  }
});

test('an ARP probe (RFC 5227), whose sender has no address yet, is answered', () => {
  const probe = arpAnswer(arpRequest({ senderIp: address('0.0.0.0') }));
  assert.equal(formatAddress(probe.senderIp), '192.0.2.200');
});

test('requests for other addresses, to other machines, and replies get no answer', () => {
  assert.equal(answer(arpRequest({ targetIp: address('192.0.2.201') })).kind, 'ignored');
  assert.equal(answer(arpRequest({ destinationMac: Uint8Array.of(2, 0, 0, 0, 0, 9) })).kind, 'ignored');
  assert.equal(answer(arpRequest({ operation: 'reply' })).kind, 'ignored');
});

test('somebody else who claims our address is a conflict; we ourselves are none', () => {
  const claim = gratuitousArp('reply', vip4, theirs);
  assert.deepEqual(answer(claim), { kind: 'conflict', address: '192.0.2.200', mac: theirs });
  assert.equal(answer(gratuitousArp('request', vip4, mine)).kind, 'answer');
});

test('a neighbour solicitation is answered, solicited and with override', () => {
  const toGroup = {
    destination: solicitedNodeGroup(vip6),
    destinationMac: multicastMac(solicitedNodeGroup(vip6)),
  };
  const toUs = { destination: vip6, destinationMac: mine };
  for (const { destination, destinationMac } of [toGroup, toUs]) {
    for (const withOption of [true, false]) {
      const frame = solicitationFrame({
        sourceMac: theirs,
        destinationMac,
        source: asker6,
        destination,
        target: vip6,
        withOption,
      });
      const expected = writeAdvertisement({
        sourceMac: mine,
        destinationMac: theirs,
        source: vip6,
        destination: asker6,
        target: vip6,
        solicited: true,
        override: true,
      });
      assert.deepEqual(answer(frame), {
        kind: 'answer',
        address: '2001:db8:1::200',
        key: '2001:db8:1::200',
        frame: expected,
        asker: { address: asker6, mac: theirs },
      });
    }
  }
});

test('who asks for an address that another node of ours may have is overheard, unless it says not who it is', () => {
  const knowing = registry({
    owns: () => false,
    ownedKey: () => undefined,
    knownKey: (text) => (owned.has(text) ? text : undefined),
  });
  const overhear = (frame: Uint8Array) => respond(frame, mine, knowing);
  assert.deepEqual(overhear(arpRequest()), {
    kind: 'overheard',
    key: '192.0.2.200',
    asker: { address: asker4, mac: theirs },
  });
  const nobody = { family: 'IPv4', value: 0n } as const;
  assert.deepEqual(overhear(arpRequest({ senderIp: nobody })), { kind: 'ignored' });
  assert.deepEqual(overhear(arpRequest({ targetIp: asker4 })), { kind: 'ignored' });
});

test('duplicate address detection is answered to all nodes, unsolicited', () => {
  const group = solicitedNodeGroup(vip6);
  const frame = solicitationFrame({
    sourceMac: theirs,
    destinationMac: multicastMac(group),
    source: unspecified,
    destination: group,
    target: vip6,
    withOption: false,
  });
  const response = answer(frame);
  assert.deepEqual(response, {
    kind: 'answer',
    address: '2001:db8:1::200',
    key: '2001:db8:1::200',
    frame: unsolicitedAdvertisement(vip6, mine),
    asker: undefined,
  });
  assert.deepEqual(response.kind === 'answer' && response.frame.slice(0, 6), multicastMac(allNodes));
});

test('of an address that is spread, who belongs to another share is overheard, by the MAC that it sends from', () => {
  const keyOf = (text: string, mac: Uint8Array): string => `${text}#${mac[5]}`;
  const sharing = registry({
    ownedKey: (text, mac) => (owned.has(text) && mac[5] === 2 ? keyOf(text, mac) : undefined),
    knownKey: keyOf,
  });
  const others = Uint8Array.of(2, 0, 0, 0, 0, 3);
  const arp = (mac: Uint8Array, senderIp = asker4) => {
    const frame = arpRequest({ senderMac: mac, senderIp });
    frame.set(mac, 6);
    return respond(frame, mine, sharing);
  };
  const ndp = (mac: Uint8Array) => {
    const frame = solicitationFrame({
      sourceMac: mac,
      destinationMac: multicastMac(solicitedNodeGroup(vip6)),
      source: asker6,
      destination: solicitedNodeGroup(vip6),
      target: vip6,
      withOption: true,
    });
    return respond(frame, mine, sharing);
  };
  for (const [ask, address] of [
    [arp, '192.0.2.200'],
    [ndp, '2001:db8:1::200'],
  ] as const) {
    const ours = ask(theirs);
    assert.deepEqual([ours.kind, ours.kind === 'answer' && ours.key], ['answer', `${address}#2`]);
    const foreign = ask(others);
    assert.deepEqual(
      [foreign.kind, foreign.kind === 'overheard' && foreign.key],
      ['overheard', `${address}#3`],
    );
  }
  // Probes: a share's by one node, whose answer changes nobody's cache.
  const nobody = { family: 'IPv4', value: 0n } as const;
  assert.deepEqual([arp(theirs, nobody).kind, arp(others, nobody).kind], ['answer', 'ignored']);
  const group = solicitedNodeGroup(vip6);
  const probe = solicitationFrame({
    sourceMac: theirs,
    destinationMac: multicastMac(group),
    source: unspecified,
    destination: group,
    target: vip6,
    withOption: false,
  });
  const told = respond(probe, mine, sharing);
  assert.ok(told.kind === 'answer');
  assert.equal((told.frame[58] ?? 0) & 0xe0, 0, 'neither solicited nor override');
});

test('solicitations that a router forwarded, or whose checksum is wrong, are malformed', () => {
  const frame = solicitationFrame({
    sourceMac: theirs,
    destinationMac: mine,
    source: asker6,
    destination: vip6,
    target: vip6,
    withOption: true,
  });
  const hop = frame.slice();
  hop[21] = 254;
  assert.deepEqual(answer(hop), { kind: 'malformed', error: 'bad-field' });
  const sum = frame.slice();
  sum[56] = (sum[56] ?? 0) ^ 1;
  assert.deepEqual(answer(sum), { kind: 'malformed', error: 'bad-checksum' });
  assert.deepEqual(answer(frame.slice(0, 60)), { kind: 'malformed', error: 'too-short' });
});

test('no bytes upset the readers: random frames, and good ones with bytes changed or cut off', () => {
  const group = solicitedNodeGroup(vip6);
  const good = [
    arpRequest(),
    solicitationFrame({
      sourceMac: theirs,
      destinationMac: multicastMac(group),
      source: asker6,
      destination: group,
      target: vip6,
      withOption: true,
    }),
  ];
  const changed = fc
    .tuple(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 4 }),
      fc.nat(90),
    )
    .map(([frame, changes, length]) => {
      const copy = frame.slice(0, Math.max(14, length));
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy;
    });
  const frames = fc.oneof(fc.uint8Array({ maxLength: 120 }), changed);
  fc.assert(
    fc.property(frames, (frame) => {
      const response = answer(frame);
      // Whatever is answered was asked for one of ours.
      if (response.kind === 'answer') assert.ok(owned.has(response.address));
    }),
    { numRuns: 100_000 },
  );
});

test('a solicitation with an option of length zero or beyond the end is malformed', () => {
  const frame = solicitationFrame({
    sourceMac: theirs,
    destinationMac: mine,
    source: asker6,
    destination: vip6,
    target: vip6,
    withOption: true,
  });
  for (const length of [0, 2]) {
    const broken = frame.slice();
    broken[14 + 40 + 25] = length;
    assert.ok('error' in readSolicitation(broken));
  }
});
