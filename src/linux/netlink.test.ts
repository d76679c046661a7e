// Netlink sockets against the kernel: answers, refusals in the kernel's own words, and what it had to drop.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { SystemError } from './errno.ts';
import { listLinks } from './links.ts';
import { NETLINK_ROUTE, type NetlinkSocket, openNetlink, request } from './netlink.ts';
import { MessageWriter, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REQUEST } from './netlink-message.ts';

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const RTNLGRP_IPV4_IFADDR = 5;

function linkRequest(type: number, flags: number, index: number, kind?: string): Uint8Array {
  const writer = new MessageWriter();
  writer.begin(type, flags | NLM_F_REQUEST, 7);
  // struct ifinfomsg
  writer.raw(new Uint8Array(Int32Array.of(0, index, 0, 0).buffer));
  if (kind !== undefined) {
    const nest = writer.beginNest(IFLA_LINKINFO);
    writer.string(IFLA_INFO_KIND, kind);
    writer.endNest(nest);
  }
  writer.end();
  return writer.bytes;
}

const refusal = (work: () => unknown): SystemError => {
  try {
    work();
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
  assert.fail('it was not refused');
};

test('a dump is whole, and a refusal has its errno', () => {
  using netlink = openNetlink({ protocol: NETLINK_ROUTE });
  const links = request(netlink, 'rtnetlink', linkRequest(RTM_GETLINK, NLM_F_DUMP, 0));
  assert.deepEqual(new Set(links.map(({ type }) => type)), new Set([RTM_NEWLINK]));
  assert.equal(links.length, listLinks().length);
  const error = refusal(() => request(netlink, 'rtnetlink', linkRequest(RTM_GETLINK, NLM_F_ACK, 1 << 30)));
  assert.equal(error.code, 'ENODEV');
});

test('a message beyond the limit is refused, one below it reaches the kernel', () => {
  using netlink = openNetlink({ protocol: NETLINK_ROUTE });
  const padded = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    bytes.set(linkRequest(RTM_GETLINK, NLM_F_ACK, 1));
    return bytes;
  };
  netlink.send(padded(netlink.maximumSendBytes));
  assert.equal(refusal(() => netlink.send(padded(netlink.maximumSendBytes + 1))).code, 'EMSGSIZE');
});

testInsideLab(import.meta.filename, () => {
  test('a refusal is told in the kernel’s own words', () => {
    using netlink = openNetlink({ protocol: NETLINK_ROUTE });
    const bytes = linkRequest(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE, 0, 'nonsense');
    const error = refusal(() => request(netlink, 'rtnetlink', bytes));
    assert.equal(error.message, 'rtnetlink: ENOTSUP: Unknown device type');
  });

  test('what had to be dropped is told, and the following still arrives', { timeout: 20_000 }, async () => {
    await using lab = await createLab();
    const host = lab.host('host');
    const events = new EventEmitter();
    using netlink: NetlinkSocket = host.inside(() =>
      openNetlink({ protocol: NETLINK_ROUTE, groups: [RTNLGRP_IPV4_IFADDR], bufferBytes: 2048 }),
    );
    using _poll = netlink.onReadable(() => {
      for (;;) {
        try {
          if (netlink.receive() === undefined) break;
        } catch (error) {
          events.emit('dropped', error);
        }
      }
      events.emit('drained');
    });
    const dropped = once(events, 'dropped');
    host.ip(...Array.from({ length: 200 }, (_, index) => `address add 198.18.0.${index + 1}/32 dev lo`));
    const [error] = await dropped;
    assert.equal(error.code, 'ENOBUFS');
    const next = once(events, 'drained');
    host.ip('address add 198.18.1.1/32 dev lo');
    await next;
  });
});
