// The agent's metrics: read from its state when they are scraped, and counted only where there is no state to read.
import { countHoldings } from '../model/share.ts';
import { Counter, Gauge, Histogram, type Registry } from '../observe/prometheus.ts';
import type { LinkCounters } from '../pulse/link.ts';
import type { HostFinding } from './host-check.ts';
import type { KernelState } from './kernel-state.ts';
import { createMemberMetrics, type MemberMetrics, type PulseState } from './member-metrics.ts';
import type { PulseConnection } from './pulse-connection.ts';

/** What a scrape reads. */
export interface AgentState {
  readonly node: string;
  readonly pulse: Pick<PulseConnection, 'ownership' | 'counters' | 'isConnected'> & PulseState;
  servicesOf(address: string): Iterable<string>;
  /** Addresses that BGP peers have been told of. */
  announcedByBgp(): Iterable<string>;
  readonly kernel: Pick<KernelState, 'frontends' | 'failures'>;
  unhealthyEndpoints(): number;
  /** Free addresses that this node has found to be used by others. */
  strangers(): number;
  findings(): readonly HostFinding[];
}

export interface AgentMetrics extends MemberMetrics {
  /** The kernel was brought up to date within so many seconds. */
  synced(seconds: number): void;
}

export function createAgentMetrics(registry: Registry, state: AgentState): AgentMetrics {
  const registers = [registry];
  addAnnounced(registry, state);
  addShares(registry, state);
  addLayer2Counters(registry, state);
  addGauges(registry, state);
  const syncSeconds = new Histogram({
    name: 'gantry_data_plane_sync_seconds',
    help: 'How long it took to bring the kernel up to date with one batch of changes.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10],
    registers,
  });
  const members = createMemberMetrics(registry, state.pulse);
  return {
    synced: (seconds) => syncSeconds.observe(seconds),
    ...members,
  };
}

function addAnnounced(registry: Registry, state: AgentState): void {
  new Gauge({
    name: 'metallb_speaker_announced',
    help: '1 for each address of a Service that this node answers for, if only for shares of it (layer2), or announces (bgp).',
    labelNames: ['service', 'protocol', 'node', 'ip'] as const,
    registers: [registry],
    collect() {
      this.reset();
      const add = (protocol: string, addresses: Iterable<string>): void => {
        for (const ip of addresses)
          for (const service of state.servicesOf(ip))
            this.set({ service, protocol, node: state.node, ip }, 1);
      };
      add('layer2', state.pulse.ownership.addresses.keys());
      add('bgp', state.announcedByBgp());
    },
  });
}

function addShares(registry: Registry, state: AgentState): void {
  new Gauge({
    name: 'gantry_address_shares',
    help: 'Of an address that is spread over nodes, how many of its sixteen shares this node answers for.',
    labelNames: ['ip'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const [ip, entries] of state.pulse.ownership.addresses) {
        const { shares } = countHoldings(entries.map(({ address }) => address));
        if (shares > 0) this.set({ ip }, shares);
      }
    },
  });
}

function addLayer2Counters(registry: Registry, state: AgentState): void {
  const add = (name: string, help: string, value: (counters: LinkCounters) => number): void => {
    new Counter({
      name,
      help,
      labelNames: ['ip'] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const counters of state.pulse.counters.values())
          this.inc({ ip: counters.address }, value(counters));
      },
    });
  };
  add(
    'metallb_layer2_requests_received',
    'ARP requests and neighbour solicitations for the address.',
    (counters) => counters.requestsReceived,
  );
  add(
    'metallb_layer2_responses_sent',
    'ARP replies and neighbour advertisements sent in answer.',
    (counters) => counters.responsesSent,
  );
  add(
    'metallb_layer2_gratuitous_sent',
    'Gratuitous ARP packets and unsolicited neighbour advertisements sent.',
    (counters) => counters.gratuitousSent,
  );
}

function addGauges(registry: Registry, state: AgentState): void {
  const add = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  add('gantry_pulse_connected', '1 while the agent is connected to its pulse.', () =>
    state.pulse.isConnected ? 1 : 0,
  );
  add(
    'gantry_data_plane_frontends',
    'Addresses and ports that this node forwards.',
    () => state.kernel.frontends,
  );
  add(
    'gantry_data_plane_failed_services',
    'Services that the kernel does not forward as planned.',
    () => state.kernel.failures.size,
  );
  add('gantry_unhealthy_endpoints', 'Endpoints that fail a check of ours.', state.unhealthyEndpoints);
  add(
    'gantry_stranger_addresses',
    'Free addresses that others use, as this node has found.',
    state.strangers,
  );
  new Gauge({
    name: 'gantry_host_findings',
    help: '1 for each thing in the host that defeats (error) or may defeat (warning) announcing or forwarding.',
    labelNames: ['kind', 'severity'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { reason, severity } of state.findings()) this.set({ kind: reason.kind, severity }, 1);
    },
  });
}
