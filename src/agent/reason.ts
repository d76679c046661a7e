// What in this node defeats or may defeat the announcing and forwarding of addresses, and why endpoints fail their
// checks: the reasons and their sentences.
import type { Family } from '../model/address.ts';
import { type Sentences, sentence } from '../model/reason.ts';
import type { ProbeFailure } from './health-check.ts';

export type HostReason =
  | { readonly kind: 'forwarding-off'; readonly family: Family; readonly sysctl: string }
  | { readonly kind: 'ipv6-absent' }
  | { readonly kind: 'strict-rp-filter'; readonly interfaces: readonly string[] }
  | ({ readonly kind: 'forward-drop' } & ForwardDrop)
  | ({ readonly kind: 'forward-drop-suspected'; readonly rules: number } & ForwardDrop)
  | { readonly kind: 'ipvs-answers-arp'; readonly arpIgnore: number }
  | { readonly kind: 'conntrack-full'; readonly count: number; readonly limit: number }
  | { readonly kind: 'no-cap-net-admin' }
  | { readonly kind: 'no-cap-net-raw' };

interface ForwardDrop {
  /** As nft names them: `ip`, `ip6` or `inet`. */
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** What drops: the chain's policy, or its last rule. */
  readonly by: 'policy' | 'last-rule';
}

const dropper = ({ family, table, chain, by }: ForwardDrop): string =>
  `The chain ${chain} of the nftables table ${family} ${table} drops forwarded packets ${by === 'policy' ? 'by its policy' : 'by its last rule'}`;

const acceptAdvice = ({ family, table, chain }: ForwardDrop): string =>
  `\`nft insert rule ${family} ${table} ${chain} ct status dnat accept\``;

const sentences: Sentences<HostReason> = {
  'forwarding-off': ({ family, sysctl }) =>
    `The kernel does not forward ${family} packets, so endpoints other than this host itself get none; set ${sysctl} to 1.`,
  'ipv6-absent': () =>
    'The kernel has no IPv6, but a Service has an IPv6 address; boot without ipv6.disable=1, or take the address away.',
  'strict-rp-filter': ({ interfaces }) =>
    `Strict reverse path filtering on ${interfaces.join(', ')} drops packets of clients that this node would answer through another interface; set net.ipv4.conf.all.rp_filter to 2 if there are such clients.`,
  'forward-drop': (reason) =>
    `${dropper(reason)} and lets none pass; let what Gantry forwards pass with ${acceptAdvice(reason)}.`,
  'forward-drop-suspected': (reason) =>
    `${dropper(reason)} unless one of its ${reason.rules} other rules lets them pass, which may or may not be so for what Gantry forwards; be sure with ${acceptAdvice(reason)}.`,
  'ipvs-answers-arp': ({ arpIgnore }) =>
    `kube-proxy in IPVS mode binds Service addresses to kube-ipvs0, and every node answers ARP for them (arp_ignore is ${arpIgnore}); set ipvs.strictARP to true in kube-proxy's configuration.`,
  'conntrack-full': ({ count, limit }) =>
    `The connection tracking table is full (${count} of ${limit}), so new connections are dropped; raise net.netfilter.nf_conntrack_max.`,
  'no-cap-net-admin': () =>
    'The agent lacks CAP_NET_ADMIN, so it cannot program the kernel; run it as root or with this capability, or with --data-plane none.',
  'no-cap-net-raw': () =>
    'The agent lacks CAP_NET_RAW, and a pulse with the same rights cannot answer ARP and NDP; run both as root or with this capability.',
};

/** What is wrong, and what to do about it. */
export const hostSentence = (reason: HostReason): string => sentence(sentences, reason);

const failureSentences: Sentences<ProbeFailure> = {
  'probe-refused': () => 'the connection was refused; check that the endpoint listens on this port',
  'probe-timeout': ({ timeoutMilliseconds }) =>
    `no answer within ${timeoutMilliseconds} ms; check that the endpoint runs and is reachable`,
  'probe-status': ({ status }) => `it answered with status ${status}; look into the endpoint's own log`,
  'probe-failed': ({ code }) => `the probe failed (${code}); check the endpoint's address, port and protocol`,
};

/** A clause without a full stop, as in `ADDRESS: CLAUSE`. */
export const probeFailureClause = (failure: ProbeFailure): string => sentence(failureSentences, failure);
