// Tests of the host's rules, as tables: facts and context in, findings out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Family } from '../model/address.ts';
import type { ForwardChain } from './forward-chain.ts';
import { checkHost, type HostContext, type HostFacts } from './host-check.ts';
import { hostSentence } from './reason.ts';

const goodHost: HostFacts = {
  ipv4Forwarding: true,
  ipv6Forwarding: true,
  rpFilter: new Map([
    ['all', 0],
    ['default', 1],
    ['lo', 1],
    ['eth0', 2],
    ['eth1', 0],
  ]),
  arpIgnore: 0,
  conntrack: { count: 10, limit: 1000 },
  capabilities: 0xffff_ffffn,
  forwardChains: [],
};

const dualStack: HostContext = {
  forwards: true,
  leavesHost: () => true,
  families: new Set<Family>(['IPv4', 'IPv6']),
  interfaces: [],
};

const chain: ForwardChain = {
  family: 'ip',
  table: 'filter',
  chain: 'FORWARD',
  drops: 'policy',
  otherRules: 0,
  acceptsTranslated: false,
};

/** `severity kind`, a finding each. */
function findings(facts: Partial<HostFacts>, context: Partial<HostContext> = {}): string[] {
  return checkHost({ ...goodHost, ...facts }, { ...dualStack, ...context }).map(
    ({ severity, reason }) => `${severity} ${reason.kind}`,
  );
}

test('a good host has no findings, and unknown facts are not judged', () => {
  assert.deepEqual(findings({}), []);
  const unknown: HostFacts = {
    ipv4Forwarding: undefined,
    ipv6Forwarding: true,
    rpFilter: new Map(),
    arpIgnore: undefined,
    conntrack: undefined,
    capabilities: undefined,
    forwardChains: undefined,
  };
  assert.deepEqual(findings(unknown), []);
});

test('forwarding must be on for the families whose packets this node sends on to others', () => {
  const only = (family: Family) => ({
    families: new Set([family]),
    leavesHost: (leaving: Family) => leaving === family,
  });
  assert.deepEqual(findings({ ipv4Forwarding: false }), ['error forwarding-off']);
  assert.deepEqual(findings({ ipv4Forwarding: false }, only('IPv6')), []);
  assert.deepEqual(findings({ ipv6Forwarding: false }), ['error forwarding-off']);
  assert.deepEqual(findings({ ipv4Forwarding: false }, { leavesHost: () => false }), []);
  assert.deepEqual(findings({ ipv6Forwarding: undefined }), ['error ipv6-absent']);
  assert.deepEqual(findings({ ipv6Forwarding: undefined }, only('IPv4')), []);
  assert.deepEqual(findings({ ipv4Forwarding: false, ipv6Forwarding: false }, { forwards: false }), []);
});

test('reverse path filtering is strict where the greater of `all` and the interface is 1', () => {
  const strict = (all: number, eth0: number, interfaces: string[] = []) =>
    findings(
      {
        rpFilter: new Map([
          ['all', all],
          ['eth0', eth0],
        ]),
      },
      { interfaces },
    );
  assert.deepEqual(strict(0, 1), ['warning strict-rp-filter']);
  assert.deepEqual(strict(1, 0), ['warning strict-rp-filter']);
  assert.deepEqual(strict(1, 1), ['warning strict-rp-filter']);
  assert.deepEqual(strict(2, 1), []);
  assert.deepEqual(strict(1, 2), []);
  assert.deepEqual(strict(0, 1, ['eth1']), []);
  assert.deepEqual(strict(0, 1, ['eth0']), ['warning strict-rp-filter']);
});

test('a forward chain that drops is an error when nothing else is in it, else a suspicion', () => {
  const of = (change: Partial<ForwardChain>, context: Partial<HostContext> = {}) =>
    findings({ forwardChains: [{ ...chain, ...change }] }, context);
  assert.deepEqual(of({}), ['error forward-drop']);
  assert.deepEqual(of({ otherRules: 3 }), ['warning forward-drop-suspected']);
  assert.deepEqual(of({ otherRules: 3, acceptsTranslated: true }), []);
  assert.deepEqual(of({ drops: undefined }), []);
  assert.deepEqual(of({ family: 'ip6' }, { families: new Set(['IPv4']) }), []);
  assert.deepEqual(of({ family: 'inet' }, { families: new Set(['IPv4']) }), ['error forward-drop']);
  assert.deepEqual(of({}, { forwards: false }), ['error forward-drop']);
});

test('kube-proxy in IPVS mode must not answer ARP', () => {
  const rpFilter = new Map([['kube-ipvs0', 0]]);
  assert.deepEqual(findings({ rpFilter, arpIgnore: 0 }), ['error ipvs-answers-arp']);
  assert.deepEqual(findings({ rpFilter, arpIgnore: 1 }), []);
});

test('connection tracking is full near its limit', () => {
  assert.deepEqual(findings({ conntrack: { count: 949, limit: 1000 } }), []);
  assert.deepEqual(findings({ conntrack: { count: 950, limit: 1000 } }), ['error conntrack-full']);
  assert.deepEqual(findings({ conntrack: { count: 0, limit: 0 } }), []);
});

test('capabilities are missed where they are needed', () => {
  assert.deepEqual(findings({ capabilities: 0n }), ['error no-cap-net-admin', 'warning no-cap-net-raw']);
  assert.deepEqual(findings({ capabilities: 0n }, { forwards: false }), ['warning no-cap-net-raw']);
  assert.deepEqual(findings({ capabilities: 1n << 13n }), ['error no-cap-net-admin']);
  assert.deepEqual(findings({ capabilities: (1n << 12n) | (1n << 13n) }), []);
});

test('the sentence of a foreign drop names table and chain and gives the command that helps', () => {
  const suspected = checkHost(
    { ...goodHost, forwardChains: [{ ...chain, drops: 'last-rule', otherRules: 2 }] },
    dualStack,
  );
  assert.deepEqual(
    suspected.map(({ reason }) => hostSentence(reason)),
    [
      'The chain FORWARD of the nftables table ip filter drops forwarded packets by its last rule unless one of its 2 other rules lets them pass, which may or may not be so for what Gantry forwards; be sure with `nft insert rule ip filter FORWARD ct status dnat accept`.',
    ],
  );
});
