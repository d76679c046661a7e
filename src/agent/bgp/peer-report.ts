// What a NodeReport says of this node's BGP peers: as they are, not as they were meant.
import { ourOpen } from '../../announce/bgp/agreement.ts';
import type { PeerReason } from '../../announce/bgp/reason.ts';
import { bgpSentence } from '../../announce/bgp/reason.ts';
import type { BgpReport, PeerReport } from '../../api/bgp-report.ts';
import type { BfdLinks } from './bfd-links.ts';
import { totalOf } from './message-counts.ts';
import { formatPeer } from './peer-path.ts';
import type { PeerSession } from './peer-session.ts';
import type { Speaker } from './speaker.ts';

export function bgpReportOf(
  { sessions, lastErrors }: Pick<Speaker, 'sessions' | 'lastErrors'>,
  unused: readonly PeerReason[],
  bfd: Pick<BfdLinks, 'stateOf'>,
): BgpReport {
  return {
    peers: [...sessions].map(([name, session]) => ({
      ...peerReport(name, session),
      ...present('lastError', lastErrors.get(name)),
      ...present('bfd', bfd.stateOf(name)?.state),
    })),
    unused: unused.map((reason) => ({ peer: reason.peer, kind: reason.kind, message: bgpSentence(reason) })),
  };
}

function peerReport(
  name: string,
  { configuration, machine, routes, since, sent, received }: PeerSession,
): PeerReport {
  const { path, settings } = configuration;
  const { agreement } = machine;
  const hops = [...routes.tellings].filter(([, { manner }]) => manner.nextHops.length === 0);
  const problems = hops.map(([family]) => bgpSentence({ kind: 'no-next-hop', peer: name, family }));
  return {
    name,
    address: formatPeer(path),
    port: path.peerPort,
    state: machine.state,
    since: new Date(since).toISOString(),
    localAsn: settings.localAsn,
    ...present('peerAsn', agreement?.peerAsn),
    ...present('holdTimeSeconds', agreement?.holdTimeSeconds),
    families: [...(agreement?.families ?? [])],
    capabilities: [...new Set(ourOpen(settings, false).capabilities.map(({ kind }) => kind))],
    peerCapabilities: [...(agreement?.peerCapabilities ?? [])],
    told: routes.isTold,
    prefixes: routes.size,
    sent: totalOf(sent),
    received: totalOf(received),
    ...present('problem', problems[0]),
  };
}

const present = <K extends string, V>(key: K, value: V | undefined): { [_ in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [_ in K]: V });
