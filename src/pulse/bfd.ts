// BFD within pulse: its sessions outlive the agent, whose routes they guard. One timer serves them all; what has come is
// taken before what is due is judged, by the look at the clock before both.
import type { Instant } from '../announce/bfd/instant.ts';
import { settingsOf } from '../announce/bfd/profile.ts';
import {
  type Arrival,
  createBfdTable,
  type Entry,
  pathKey,
  type TableEffect,
  type WantedSession,
} from '../announce/bfd/table.ts';
import { parseAddress } from '../model/address.ts';
import type { Log } from '../observe/log.ts';
import type { BfdEcho, BfdLink } from './bfd-echo.ts';
import type { BfdEstate } from './bfd-estate.ts';
import type { BfdFromPulse, LinkBfdSession } from './bfd-link.ts';
import type { BfdNetwork } from './bfd-network.ts';
import { createBfdReceivers, type PortKind } from './bfd-receivers.ts';
import { createBfdReporter } from './bfd-reporter.ts';
import { createBfdSenders } from './bfd-senders.ts';

export interface BfdOptions {
  readonly network: BfdNetwork;
  readonly echo: BfdEcho;
  readonly log: Log;
  /** Milliseconds of a steady clock that goes on while the machine sleeps. */
  readonly now: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly tell: (message: BfdFromPulse) => void;
}

export interface Bfd extends Disposable {
  /** What a new listener hears first. */
  greeting(): BfdFromPulse[];
  configure(sessions: readonly LinkBfdSession[]): void;
  linksChanged(links: readonly BfdLink[]): void;
  /** Tells all peers that this end is taken down on purpose. Resolves when it has been said often enough. */
  leave(): Promise<void>;
  /** Gives the sessions up for another process, without a word to the peers. */
  bequeath(): BfdEstate;
  /** Goes on with the sessions of another process; after the links are known. */
  inherit(estate: BfdEstate): void;
}

/** A timer may be so late without any packet being lost for it: what came meanwhile waits in the sockets. */
const usualLatenessMilliseconds = 10;

/** What comes may wait for so long: with many sessions it is taken when something is due, not packet by packet. */
const patientMilliseconds = 4;

/** A farewell that is lost is repeated, so often and so far apart. */
const farewells = 3;
const farewellMilliseconds = 20;

export function createBfd(options: BfdOptions): Bfd {
  const { log, now, echo } = options;
  let hasLeft = false;
  let stalled = 0;
  let lookedAt = now();
  /** For when the timer is set. */
  let wakesAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const senders = createBfdSenders(options.network, options.random);

  const apply = (entry: Entry, effect: TableEffect): void => {
    switch (effect.kind) {
      case 'send':
        senders.send(entry, effect.packet);
        return;
      case 'send-echo':
        echo.send(entry.wanted, entry.session.localDiscriminator, effect.sequence);
        return;
      case 'gone':
        senders.close(entry.key);
        reporter.changed(entry);
        return;
      case 'changed':
        reporter.changed(entry);
        return;
      default:
        effect satisfies never;
    }
  };
  const table = createBfdTable({ random: options.random, apply });

  const reporter = createBfdReporter({
    entries: table.entries,
    problemOf: ({ key, wanted }) => senders.problemOf(key) ?? receivers.problemOf(kindOf(wanted)),
    log,
    now,
    tell: options.tell,
  });

  const receivers = createBfdReceivers(options.network, (bytes: Uint8Array, arrival: Arrival) => {
    if (hasLeft) return;
    const refusal = table.receive(bytes, arrival, look());
    if (refusal !== undefined) reporter.refused(refusal);
    plan();
  });

  /** When this process should have looked and could not, that is counted. */
  const look = (): Instant => {
    const at = now();
    stalled += Math.max(0, at - Math.max(wakesAt, lookedAt) - usualLatenessMilliseconds);
    lookedAt = at;
    return { at, stalled };
  };

  const plan = (): void => {
    const next = table.nextDue();
    if (next === Number.POSITIVE_INFINITY) receivers.setListening(true);
    if (next >= wakesAt) return;
    clearTimeout(timer);
    wakesAt = next;
    const wait = Math.max(1, Math.ceil(next - now()));
    timer = setTimeout(wake, wait);
    receivers.setListening(wait > patientMilliseconds);
  };

  const wake = (): void => {
    const instant = look();
    // What is taken now sets no timer of its own.
    wakesAt = Number.NEGATIVE_INFINITY;
    receivers.drain();
    table.advance(instant);
    // What was sent may have left that much later than it is taken to have.
    reporter.spent(now() - instant.at);
    wakesAt = Number.POSITIVE_INFINITY;
    plan();
  };

  const openPorts = (): void => {
    const entries = [...table.entries.values()];
    const problemOf = ({ wanted }: Entry) => receivers.problemOf(kindOf(wanted));
    const before = entries.map(problemOf);
    receivers.want(entries.map(({ wanted }) => kindOf(wanted)));
    for (const [index, entry] of entries.entries())
      if (problemOf(entry) !== before[index]) reporter.changed(entry);
  };

  const everySecond = setInterval(() => {
    openPorts();
    if (table.entries.size === 0) return;
    for (const key of senders.mend()) reporter.changed(key);
    echo.refresh([...table.entries.values()].map(({ wanted }) => wanted));
    reporter.tellCounters(stalled);
  }, 1000);

  echo.onReturn((discriminator) => {
    if (hasLeft) return;
    if (!table.echoReturned(discriminator, look())) reporter.refused('echo');
    plan();
  });

  return {
    greeting: () => [reporter.all()],
    configure(sessions) {
      if (hasLeft) return;
      table.configure(sessions.flatMap(wantedOf), look());
      openPorts();
      echo.refresh([...table.entries.values()].map(({ wanted }) => wanted));
      plan();
    },
    linksChanged(links) {
      const interfaces = new Map(links.map(({ name, index }) => [name, index]));
      senders.setInterfaces(interfaces);
      receivers.setInterfaces(interfaces);
      echo.setLinks(links);
    },
    async leave() {
      if (hasLeft || table.entries.size === 0) return;
      hasLeft = true;
      table.leave(look());
      for (let left = farewells - 1; left > 0; left--) {
        await new Promise((resolve) => setTimeout(resolve, farewellMilliseconds));
        for (const entry of table.entries.values()) senders.repeat(entry);
      }
    },
    bequeath() {
      hasLeft = true;
      clearTimeout(timer);
      // The peers' patience begins anew.
      for (const entry of table.entries.values()) senders.repeat(entry);
      const sessions = [...table.entries.values()]
        .filter(({ leavesAt }) => leavesAt === Number.POSITIVE_INFINITY)
        .map(({ key, wanted, session }) => ({ wanted, session, port: senders.portOf(key) }));
      senders[Symbol.dispose]();
      receivers[Symbol.dispose]();
      echo[Symbol.dispose]();
      return { sessions };
    },
    inherit(estate) {
      const instant = look();
      for (const { wanted, session, port } of estate.sessions) {
        senders.setPort(pathKey(wanted), port);
        table.adopt(wanted, session, instant);
      }
      openPorts();
      plan();
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      clearInterval(everySecond);
      reporter[Symbol.dispose]();
      senders[Symbol.dispose]();
      receivers[Symbol.dispose]();
      echo[Symbol.dispose]();
    },
  };
}

const kindOf = ({ peer, isMultihop }: WantedSession): PortKind => ({ family: peer.family, isMultihop });

/** Nothing for one whose addresses are none; the link has checked them. */
function wantedOf(session: LinkBfdSession): WantedSession[] {
  const peer = parseAddress(session.peer);
  const local = session.local === undefined ? undefined : parseAddress(session.local);
  if (peer === undefined || (local === undefined && session.local !== undefined)) return [];
  const { isMultihop, profile } = session;
  return [
    {
      peer,
      local,
      interfaceName: session.interface,
      isMultihop,
      settings: settingsOf(profile, isMultihop),
      minimumTtl: profile.minimumTtl,
    },
  ];
}
