// Tests of reading the host's facts, from a copy of /proc made by the test and from the machine's own.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readProcFacts } from './host-facts.ts';

test('facts are read from /proc, and what a kernel does not have is unknown', async (t) => {
  const proc = mkdtempSync(join(tmpdir(), 'gantry-proc-'));
  t.after(() => rmSync(proc, { recursive: true }));
  const files = {
    'sys/net/ipv4/ip_forward': '0\n',
    'sys/net/ipv4/conf/all/arp_ignore': '1\n',
    'sys/net/ipv4/conf/all/rp_filter': '2\n',
    'sys/net/ipv4/conf/eth0/rp_filter': '1\n',
    'sys/net/ipv4/conf/eth1/forwarding': '1\n',
    'sys/net/netfilter/nf_conntrack_count': '17\n',
    'sys/net/netfilter/nf_conntrack_max': '262144\n',
    'self/status': 'Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t0000000000003000\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(proc, path)), { recursive: true });
    writeFileSync(join(proc, path), text);
  }
  assert.deepEqual(await readProcFacts(proc), {
    ipv4Forwarding: false,
    ipv6Forwarding: undefined,
    rpFilter: new Map([
      ['all', 2],
      ['eth0', 1],
    ]),
    arpIgnore: 1,
    conntrack: { count: 17, limit: 262_144 },
    capabilities: 0x3000n,
  });
});

test('the facts of this machine can be read by anyone', async () => {
  const facts = await readProcFacts();
  assert.equal(typeof facts.ipv4Forwarding, 'boolean');
  assert.ok(facts.rpFilter.has('all') && facts.rpFilter.has('lo'));
  assert.equal(typeof facts.capabilities, 'bigint');
});
