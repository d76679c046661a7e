// The metrics of BGP, by the names that dashboards for MetalLB know: read from the sessions when they are scraped.
import { type Address, formatAddress } from '../../model/address.ts';
import { Counter, Gauge, type Registry } from '../../observe/prometheus.ts';
import { totalOf } from './message-counts.ts';
import type { PeerSession } from './peer-session.ts';

export function addBgpMetrics(registry: Registry, sessions: () => Iterable<PeerSession>): void {
  const registers = [registry];
  const labelNames = ['peer'] as const;
  const gauge = (name: string, help: string, value: (session: PeerSession) => number): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const session of sessions()) this.set({ peer: labelOf(session) }, value(session));
      },
    });
  };
  const counter = (name: string, help: string, value: (session: PeerSession) => number): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const session of sessions()) this.inc({ peer: labelOf(session) }, value(session));
      },
    });
  };
  gauge('metallb_bgp_session_up', '1 for each session that is Established, 0 for one that is not.', (one) =>
    one.machine.state === 'established' ? 1 : 0,
  );
  gauge('metallb_bgp_announced_prefixes_total', 'Prefixes that the peer has been told of.', (one) =>
    one.routes.isDone ? wantedOf(one) : 0,
  );
  gauge('metallb_bgp_pending_prefixes_total', 'Prefixes that the peer is yet to be told of.', (one) =>
    one.routes.isDone ? 0 : wantedOf(one),
  );
  counter('metallb_bgp_opens_sent', 'OPEN messages sent.', ({ sent }) => sent.open);
  counter('metallb_bgp_opens_received', 'OPEN messages received.', ({ received }) => received.open);
  counter('metallb_bgp_notifications_sent', 'NOTIFICATION messages sent.', ({ sent }) => sent.notification);
  counter('metallb_bgp_updates_total', 'UPDATE messages sent.', ({ sent }) => sent.update);
  counter('metallb_bgp_updates_total_received', 'UPDATE messages received.', (one) => one.received.update);
  counter('metallb_bgp_keepalives_sent', 'KEEPALIVE messages sent.', ({ sent }) => sent.keepalive);
  counter('metallb_bgp_keepalives_received', 'KEEPALIVE messages received.', (one) => one.received.keepalive);
  counter(
    'metallb_bgp_route_refresh_sent',
    'ROUTE-REFRESH messages sent.',
    (one) => one.sent['route-refresh'],
  );
  counter('metallb_bgp_total_sent', 'Messages sent.', ({ sent }) => totalOf(sent));
  counter('metallb_bgp_total_received', 'Messages received.', ({ received }) => totalOf(received));
}

const wantedOf = ({ routes }: PeerSession): number =>
  [...routes.tellings.values()].reduce((sum, { size }) => sum + size(), 0);

const labelOf = ({ configuration: { path } }: PeerSession): string => endpointText(path.peer, path.peerPort);

const endpointText = (address: Address, port: number): string =>
  address.family === 'IPv4' ? `${formatAddress(address)}:${port}` : `[${formatAddress(address)}]:${port}`;
