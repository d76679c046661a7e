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
import { bfdStateOf, lesser, takeBfdCounters } from './bfd-report.ts';
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

/** A timer is so late as a rule. */
const usualLatenessMilliseconds = 2;

/** A farewell that is lost is repeated, so often and so far apart. */
const farewells = 3;
const farewellMilliseconds = 20;

export function createBfd(options: BfdOptions): Bfd {
  const { log, now, tell, echo } = options;
  const refused = new Map<string, number>();
  const states = new Map<string, string>();
  const changed = new Set<string>();
  let smallestReceiveSlack: number | undefined;
  let smallestTransmitSlack: number | undefined;
  let hasLeft = false;
  let stalled = 0;
  let lookedAt = now();
  /** For when the timer is set. */
  let wakesAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let telling: NodeJS.Immediate | undefined;

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
        states.delete(entry.key);
        note(entry.key);
        return;
      case 'changed':
        note(entry.key);
        // A session that goes down and comes up in one turn has been down all the same.
        if (takeState(entry)) flush();
        return;
      default:
        effect satisfies never;
    }
  };
  const table = createBfdTable({ random: options.random, apply });

  const receivers = createBfdReceivers(options.network, (bytes: Uint8Array, arrival: Arrival) => {
    if (hasLeft) return;
    const refusal = table.receive(bytes, arrival, look());
    if (refusal !== undefined) refuse(refusal);
    plan();
  });

  /** One line a cause; the counts are told with the counters. */
  const refuse = (cause: string): void => {
    const count = (refused.get(cause) ?? 0) + 1;
    refused.set(cause, count);
    if (count > 1) return;
    log.debug('bfd-refused', { cause });
  };

  /** When this process should have looked and could not, that is counted. */
  const look = (): Instant => {
    const at = now();
    stalled += Math.max(0, at - Math.max(wakesAt, lookedAt) - usualLatenessMilliseconds);
    lookedAt = at;
    return { at, stalled };
  };

  const plan = (): void => {
    const next = table.nextDue();
    if (next >= wakesAt) return;
    clearTimeout(timer);
    wakesAt = next;
    timer = setTimeout(wake, Math.max(1, Math.ceil(next - now())));
  };

  const wake = (): void => {
    const instant = look();
    // What is taken now sets no timer of its own.
    wakesAt = Number.NEGATIVE_INFINITY;
    receivers.drain();
    table.advance(instant);
    wakesAt = Number.POSITIVE_INFINITY;
    plan();
  };

  /** Returns whether the session is in another state than it was. */
  const takeState = ({ key, session }: Entry): boolean => {
    const before = states.get(key);
    if (before === session.state) return false;
    states.set(key, session.state);
    const fields = {
      session: key,
      state: session.state,
      remoteState: session.remote.state,
      diagnostic: session.diagnostic,
    };
    if (before === 'up' && session.state === 'down') log.info('bfd-down', fields);
    else if (session.state === 'up') log.info('bfd-up', fields);
    else log.debug('bfd-changed', fields);
    return true;
  };

  /** What else changes in one turn is one message, at the turn's end. */
  const note = (key: string): void => {
    changed.add(key);
    telling ??= setImmediate(flush);
  };

  const flush = (): void => {
    clearImmediate(telling);
    telling = undefined;
    if (changed.size === 0) return;
    const entries = [...changed].map((key) => [key, table.entries.get(key)] as const);
    changed.clear();
    tell({
      type: 'bfd',
      replace: false,
      upserts: entries.flatMap(([, entry]) => (entry === undefined ? [] : [stateOf(entry)])),
      removals: entries.flatMap(([key, entry]) => (entry === undefined ? [key] : [])),
    });
  };

  const stateOf = (entry: Entry) => {
    const age = Date.now() - now();
    const problem = senders.problemOf(entry.key) ?? receivers.problemOf(kindOf(entry.wanted));
    return bfdStateOf(entry, (at) => at + age, problem);
  };

  const openPorts = (): void =>
    receivers.want([...table.entries.values()].map(({ wanted }) => kindOf(wanted)));

  const everySecond = setInterval(() => {
    if (table.entries.size === 0) return;
    const before = [...table.entries.values()].map(
      (entry) => [entry, receivers.problemOf(kindOf(entry.wanted))] as const,
    );
    openPorts();
    for (const [entry, problem] of before)
      if (receivers.problemOf(kindOf(entry.wanted)) !== problem) note(entry.key);
    for (const key of senders.mend()) note(key);
    echo.refresh([...table.entries.values()].map(({ wanted }) => wanted));
    tell(counters());
  }, 1000);

  const counters = (): BfdFromPulse => {
    const sessions = [...table.entries.values()].map(takeBfdCounters);
    for (const { receiveSlackMilliseconds, transmitSlackMilliseconds } of sessions) {
      smallestReceiveSlack = lesser(smallestReceiveSlack, receiveSlackMilliseconds);
      smallestTransmitSlack = lesser(smallestTransmitSlack, transmitSlackMilliseconds);
    }
    return {
      type: 'bfd-counters',
      sessions,
      refused: [...refused].map(([cause, count]) => ({ cause, count })),
      smallestReceiveSlackMilliseconds: smallestReceiveSlack,
      smallestTransmitSlackMilliseconds: smallestTransmitSlack,
      stalledMilliseconds: Math.round(stalled),
    };
  };

  echo.onReturn((discriminator) => {
    if (hasLeft) return;
    if (!table.echoReturned(discriminator, look())) refuse('echo');
    plan();
  });

  return {
    greeting: () => [
      { type: 'bfd', replace: true, upserts: [...table.entries.values()].map(stateOf), removals: [] },
    ],
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
      clearImmediate(telling);
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
