// The metrics of BFD: which sessions are up, what they sent and heard, and how near they came to going down.
import { Counter, Gauge, type Registry } from '../observe/prometheus.ts';
import type { LinkBfdCounters } from '../pulse/bfd-link.ts';
import type { BfdCounters, BfdSessions } from './bfd-sessions.ts';

export interface BfdMetrics {
  /** What pulse counts, once a second. */
  countersTold(counters: BfdCounters): void;
}

export function createBfdMetrics(
  registry: Registry,
  sessions: Pick<BfdSessions, 'states' | 'counters'>,
): BfdMetrics {
  const registers = [registry];
  new Gauge({
    name: 'metallb_bfd_session_up',
    help: '1 for each BFD session that is up, 0 for one that is not.',
    labelNames: ['peer'] as const,
    registers,
    collect() {
      this.reset();
      for (const { peer, state } of sessions.states.values()) this.set({ peer }, state === 'up' ? 1 : 0);
    },
  });
  const count = (name: string, help: string, pick: (counters: LinkBfdCounters) => number): void => {
    new Counter({
      name,
      help,
      labelNames: ['peer'] as const,
      registers,
      collect() {
        this.reset();
        for (const one of sessions.counters?.sessions ?? []) {
          const peer = sessions.states.get(one.key)?.peer;
          if (peer !== undefined) this.inc({ peer }, pick(one));
        }
      },
    });
  };
  count(
    'metallb_bfd_control_packet_input',
    'Control packets that were believed.',
    (one) => one.packetsReceived,
  );
  count('metallb_bfd_control_packet_output', 'Control packets sent.', (one) => one.packetsSent);
  count('metallb_bfd_session_up_events', 'How often the session came up.', ({ ups }) => ups);
  count('metallb_bfd_session_down_events', 'How often the session went down.', ({ downs }) => downs);
  new Counter({
    name: 'gantry_bfd_refused_total',
    help: 'BFD packets that were not believed, by the rule that refused them.',
    labelNames: ['cause'] as const,
    registers,
    collect() {
      this.reset();
      for (const { cause, count: times } of sessions.counters?.refused ?? []) this.inc({ cause }, times);
    },
  });
  return { countersTold: addSlack(registry) };
}

/** The smallest since the last scrape; none where no session was up. */
function addSlack(registry: Registry): (counters: BfdCounters) => void {
  const smallest = new Map<string, number>();
  new Gauge({
    name: 'gantry_bfd_smallest_slack_seconds',
    help: 'The least that was left of a detection time when a packet came (receive) or was sent (transmit), since the last scrape.',
    labelNames: ['direction'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const [direction, milliseconds] of smallest) this.set({ direction }, milliseconds / 1000);
      smallest.clear();
    },
  });
  const note = (direction: string, milliseconds: number | undefined): void => {
    if (milliseconds === undefined) return;
    smallest.set(direction, Math.min(smallest.get(direction) ?? milliseconds, milliseconds));
  };
  return ({ sessions }) => {
    for (const { receiveSlackMilliseconds, transmitSlackMilliseconds } of sessions) {
      note('receive', receiveSlackMilliseconds);
      note('transmit', transmitSlackMilliseconds);
    }
  };
}
