// Rules about the host: what of its settings keeps addresses from being announced or their packets from being forwarded.
import type { Family } from '../model/address.ts';
import type { ForwardChain } from './forward-chain.ts';
import type { HostReason } from './reason.ts';

/** Undefined: it could not be read, and no rule judges it. */
export interface HostFacts {
  readonly ipv4Forwarding: boolean | undefined;
  /** Undefined where the kernel has no IPv6. */
  readonly ipv6Forwarding: boolean | undefined;
  /** `net.ipv4.conf.*.rp_filter` by interface, with `all`. */
  readonly rpFilter: ReadonlyMap<string, number>;
  readonly arpIgnore: number | undefined;
  readonly conntrack: { readonly count: number; readonly limit: number } | undefined;
  /** The effective set of the process, a bit each (capabilities(7)). */
  readonly capabilities: bigint | undefined;
  readonly forwardChains: readonly ForwardChain[] | undefined;
}

export interface HostContext {
  /** False: somebody else forwards. */
  readonly forwards: boolean;
  /** Packets of the family leave this host for a backend. */
  readonly leavesHost: (family: Family) => boolean;
  /** The families of the Services' addresses. */
  readonly families: ReadonlySet<Family>;
  /** Where addresses are announced; empty: not known, and any counts. */
  readonly interfaces: readonly string[];
}

export interface HostFinding {
  /** An error defeats every Service of its kind; a warning may do so. */
  readonly severity: 'error' | 'warning';
  readonly reason: HostReason;
}

const capNetAdmin = 12n;
const capNetRaw = 13n;

export function checkHost(facts: HostFacts, context: HostContext): HostFinding[] {
  return [
    ...capabilityFindings(facts, context),
    ...(context.forwards ? forwardingFindings(facts, context) : []),
    ...forwardChainFindings(facts, context),
    ...conntrackFindings(facts),
    ...ipvsFindings(facts, context),
    ...reversePathFindings(facts, context),
  ];
}

const error = (reason: HostReason): HostFinding => ({ severity: 'error', reason });
const warning = (reason: HostReason): HostFinding => ({ severity: 'warning', reason });

function capabilityFindings({ capabilities }: HostFacts, { forwards }: HostContext): HostFinding[] {
  if (capabilities === undefined) return [];
  const has = (bit: bigint): boolean => ((capabilities >> bit) & 1n) === 1n;
  return [
    ...(forwards && !has(capNetAdmin) ? [error({ kind: 'no-cap-net-admin' })] : []),
    ...(has(capNetRaw) ? [] : [warning({ kind: 'no-cap-net-raw' })]),
  ];
}

function forwardingFindings(facts: HostFacts, { families, leavesHost }: HostContext): HostFinding[] {
  const found: HostFinding[] = [];
  if (leavesHost('IPv4') && facts.ipv4Forwarding === false) {
    found.push(error({ kind: 'forwarding-off', family: 'IPv4', sysctl: 'net.ipv4.ip_forward' }));
  }
  if (families.has('IPv6') && facts.ipv6Forwarding === undefined) {
    found.push(error({ kind: 'ipv6-absent' }));
  }
  if (leavesHost('IPv6') && facts.ipv6Forwarding === false) {
    found.push(error({ kind: 'forwarding-off', family: 'IPv6', sysctl: 'net.ipv6.conf.all.forwarding' }));
  }
  return found;
}

/** Whoever forwards, a drop at the forward hook comes after the destination was translated, and is final. */
function forwardChainFindings({ forwardChains }: HostFacts, { families }: HostContext): HostFinding[] {
  return (forwardChains ?? []).flatMap(({ family, table, chain, drops, otherRules, acceptsTranslated }) => {
    const concerned = family === 'inet' || (family === 'ip' ? families.has('IPv4') : families.has('IPv6'));
    if (!concerned || drops === undefined || acceptsTranslated) return [];
    const drop = { family, table, chain, by: drops };
    return otherRules === 0
      ? [error({ kind: 'forward-drop', ...drop })]
      : [warning({ kind: 'forward-drop-suspected', rules: otherRules, ...drop })];
  });
}

/** The kernel begins to drop at the limit itself; close to it, it will soon. */
function conntrackFindings({ conntrack }: HostFacts): HostFinding[] {
  if (conntrack === undefined || conntrack.limit === 0 || conntrack.count < conntrack.limit * 0.95) return [];
  return [error({ kind: 'conntrack-full', ...conntrack })];
}

/** strictARP makes kube-proxy set arp_ignore to 1: answer only on the interface that has the address. */
function ipvsFindings({ rpFilter, arpIgnore }: HostFacts, { families }: HostContext): HostFinding[] {
  const isIpvs = rpFilter.has('kube-ipvs0');
  if (!isIpvs || !families.has('IPv4') || arpIgnore === undefined || arpIgnore >= 1) return [];
  return [error({ kind: 'ipvs-answers-arp', arpIgnore })];
}

/** The greater of `all` and the interface's own counts (ip-sysctl.rst): 1 is strict, 2 loose. */
function reversePathFindings({ rpFilter }: HostFacts, { families, interfaces }: HostContext): HostFinding[] {
  if (!families.has('IPv4')) return [];
  const all = rpFilter.get('all') ?? 0;
  const strict = [...rpFilter]
    .filter(([name, own]) => !['all', 'default', 'lo'].includes(name) && Math.max(all, own) === 1)
    .map(([name]) => name)
    .filter((name) => interfaces.length === 0 || interfaces.includes(name))
    .sort();
  return strict.length === 0 ? [] : [warning({ kind: 'strict-rp-filter', interfaces: strict })];
}
