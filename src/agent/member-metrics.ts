// The metrics of layer 2's membership: who is heard, how near leases come to running out, and why addresses come here.
import { Counter, Gauge, Histogram, type Registry } from '../observe/prometheus.ts';
import type { LinkMemberState, LinkOwned } from '../pulse/link.ts';
import type { LeasesMessage, PulseConnection } from './pulse-connection.ts';

export type PulseState = Pick<PulseConnection, 'members' | 'leases'>;

export interface MemberMetrics {
  /** An address came to this node. */
  gained(owned: LinkOwned): void;
  /** What pulse says of its leases, once a second. */
  leasesTold(leases: LeasesMessage): void;
}

export function createMemberMetrics(registry: Registry, pulse: PulseState): MemberMetrics {
  const registers = [registry];
  addMembers(registry, pulse);
  addLeases(registry, pulse);
  const slack = addSlack(registry);
  const gained = new Counter({
    name: 'gantry_addresses_gained_total',
    help: 'Addresses, and shares of those that are spread, that came to this node, by why they did.',
    labelNames: ['cause'] as const,
    registers,
  });
  const takeoverSeconds = new Histogram({
    name: 'gantry_takeover_seconds',
    help: 'From the last heartbeat of the node that had an address to when this node took it over.',
    buckets: [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5],
    registers,
  });
  return {
    gained({ cause, silenceMilliseconds }) {
      gained.inc({ cause });
      if (silenceMilliseconds !== undefined) takeoverSeconds.observe(silenceMilliseconds / 1000);
    },
    leasesTold: ({ recentSlackMilliseconds }) => slack.note(recentSlackMilliseconds),
  };
}

const membersOf = ({ members }: PulseState): readonly LinkMemberState[] => members?.members ?? [];

function addMembers(registry: Registry, pulse: PulseState): void {
  const registers = [registry];
  new Gauge({
    name: 'gantry_members',
    help: 'Members of the cluster by their state, as this node sees them.',
    labelNames: ['state'] as const,
    registers,
    collect() {
      for (const name of ['alive', 'silent', 'dead', 'unknown'] as const) {
        this.set({ state: name }, membersOf(pulse).filter(({ state }) => state === name).length);
      }
    },
  });
  new Gauge({
    name: 'gantry_member_votes',
    help: 'Members that hear this member no more, of those that this node hears, itself included.',
    labelNames: ['member'] as const,
    registers,
    collect() {
      this.reset();
      for (const { name } of membersOf(pulse)) {
        const votes = membersOf(pulse).filter(({ unheard }) => unheard.includes(name));
        this.set({ member: name }, votes.length);
      }
    },
  });
  const flag = (name: string, help: string, isSet: () => boolean | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(isSet() === true ? 1 : 0);
      },
    });
  };
  flag(
    'gantry_majority',
    '1 while this node hears so many others that it may answer for addresses.',
    () => pulse.members?.hasMajority,
  );
  flag(
    'gantry_draining',
    '1 while this node is told to hand all its addresses over.',
    () => pulse.members?.isDraining,
  );
}

function addLeases(registry: Registry, pulse: PulseState): void {
  const count = (name: string, help: string, value: (leases: LeasesMessage) => number): void => {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(pulse.leases === undefined ? 0 : value(pulse.leases));
      },
    });
  };
  count('gantry_lease_lapses_total', 'Leases of this node that ran out.', ({ lapses }) => lapses);
  count(
    'gantry_member_conflicts_total',
    'Rivals met for an address of this node: of two nodes that did not hear each other.',
    ({ conflicts }) => conflicts,
  );
}

/** The smallest since the last scrape; none where no lease was renewed. */
function addSlack(registry: Registry): { note(milliseconds: number | undefined): void } {
  let smallest: number | undefined;
  new Gauge({
    name: 'gantry_lease_smallest_slack_seconds',
    help: 'The least that was left of a lease when it was renewed, since the last scrape.',
    registers: [registry],
    collect() {
      if (smallest === undefined) this.remove();
      else this.set(smallest / 1000);
      smallest = undefined;
    },
  });
  return {
    note(milliseconds) {
      if (milliseconds !== undefined) smallest = Math.min(smallest ?? milliseconds, milliseconds);
    },
  };
}
