// Elections carried out: the table of candidates, what this node has of it, and the neighbours told of what moved.
import {
  type AnnouncerConfig,
  announce,
  createAnnouncer,
  forget,
  nextDue,
  takeDue,
} from '../announce/layer2/announcer.ts';
import { parseAddress } from '../model/address.ts';
import type { Log } from '../observe/log.ts';
import type { FromPulse, LinkAddress, LinkOwned, ToPulse } from './link.ts';
import {
  createOwnership,
  type OwnedEntry,
  type OwnershipChange,
  reelect,
  type TableEntry,
  type View,
} from './ownership.ts';
import type { Responder } from './responder.ts';

export interface ElectionsOptions {
  readonly announcer: AnnouncerConfig;
  readonly responder: Responder;
  readonly log: Log;
  readonly now: () => number;
  readonly tell: (message: FromPulse) => void;
  /** The members as they are seen at this moment. */
  readonly view: () => View;
  /** The address is no longer this node's. */
  readonly released: (address: string) => void;
}

export interface Elections extends Disposable {
  /** Takes what the agent says; returns the addresses to elect anew. */
  takeTable(message: Extract<ToPulse, { type: 'announce' }>): Set<string>;
  /** The first few at once, the rest in the event loop's next turns. */
  elect(addresses: Iterable<string>): void;
  electAll(): void;
  /** Tells the neighbours again of all that this node has, or of what it has on these interfaces. */
  announceAgain(interfaces?: readonly string[]): void;
  /** All that this node has, as the responder answers for it. */
  owned(): FromPulse;
  /** Gives everything up, as if it had never been. */
  startAnew(): void;
}

/** Of one turn of the event loop: heartbeats must not wait for ten thousand addresses. */
const sliceMilliseconds = 5;

/** Of one slice, that are logged one by one. */
const mostLogged = 20;

export function createElections(options: ElectionsOptions): Elections {
  const { responder, log, now, tell } = options;
  const table = new Map<string, TableEntry>();
  const ownership = createOwnership();
  const announcer = createAnnouncer(now(), options.announcer);
  /** Addresses to elect the owner of anew. */
  const dirty = new Set<string>();
  let nextSlice: NodeJS.Immediate | undefined;
  let announceTimer: NodeJS.Timeout | undefined;

  const elect = (addresses: Iterable<string>): void => {
    for (const address of addresses) dirty.add(address);
    if (nextSlice === undefined) electSlice();
  };

  const electSlice = (): void => {
    nextSlice = undefined;
    const end = performance.now() + sliceMilliseconds;
    const view = options.view();
    const changes: OwnershipChange[] = [];
    for (const key of dirty) {
      dirty.delete(key);
      const change = reelect(ownership, key, table.get(key), view);
      if (change !== undefined) {
        changes.push(change);
        carryOut(change);
      }
      if (performance.now() >= end) break;
    }
    if (dirty.size > 0) nextSlice = setImmediate(electSlice);
    if (changes.length === 0) return;
    sendDue();
    logChanges(changes);
    const upserts = changes
      .filter((change) => change.kind === 'own')
      .map(({ key, entry }) => ownedMessage(key, entry));
    const removals = changes.filter((change) => change.kind === 'release').map((change) => change.key);
    tell({ type: 'owned', replace: false, upserts, removals });
  };

  const carryOut = ({ kind, key, entry }: OwnershipChange): void => {
    if (kind === 'release') {
      responder.release(entry.address);
      forget(announcer, key);
      options.released(key);
    } else {
      responder.own(entry.address, entry.interfaces);
      announce(announcer, key, now());
    }
  };

  const sendDue = (): void => {
    clearTimeout(announceTimer);
    const asked = (address: string): number => responder.counters.get(address)?.requestsReceived ?? 0;
    for (const key of takeDue(announcer, now(), options.announcer, asked)) {
      const entry = ownership.owned.get(key);
      if (entry !== undefined) responder.announce(entry.address);
    }
    const next = nextDue(announcer, options.announcer);
    if (next !== undefined) announceTimer = setTimeout(sendDue, Math.max(1, next - now()));
  };

  const logChanges = (changes: readonly OwnershipChange[]): void => {
    if (changes.length > mostLogged) {
      log.info('addresses-moved', { count: changes.length });
      return;
    }
    for (const change of changes) {
      if (change.kind === 'release') log.info('address-released', { address: change.key, to: change.to });
      else if (change.isNew) {
        const { cause, from, interfaces } = change.entry;
        log.info('address-owned', { address: change.key, cause, from, interfaces });
      }
    }
  };

  const ownedMessage = (key: string, { address, cause, from }: OwnedEntry): LinkOwned => ({
    address: key,
    interfaces: responder.answering(address),
    cause,
    from,
  });

  return {
    elect,
    electAll: () => elect(table.keys()),
    takeTable({ replace, upserts, removals }) {
      const touched = new Set(removals);
      if (replace) for (const known of table.keys()) touched.add(known);
      for (const gone of touched) table.delete(gone);
      for (const upsert of upserts) {
        const entry = tableEntry(upsert);
        if (entry === undefined) continue;
        table.set(upsert.address, entry);
        touched.add(upsert.address);
      }
      return touched;
    },
    announceAgain(interfaces) {
      for (const [key, entry] of ownership.owned) {
        const isMeant =
          interfaces === undefined || interfaces.some((name) => entry.interfaces.includes(name));
        if (isMeant) announce(announcer, key, now());
      }
      sendDue();
    },
    owned: () => ({
      type: 'owned',
      replace: true,
      upserts: [...ownership.owned].map(([key, entry]) => ownedMessage(key, entry)),
      removals: [],
    }),
    startAnew() {
      for (const [key, { address }] of ownership.owned) {
        responder.release(address);
        forget(announcer, key);
      }
      ownership.owned.clear();
      ownership.lastOwner.clear();
    },
    [Symbol.dispose]() {
      clearTimeout(announceTimer);
      clearImmediate(nextSlice);
    },
  };
}

/** The agent formats addresses canonically; one that does not parse is none. */
function tableEntry({ address: text, candidates }: LinkAddress): TableEntry | undefined {
  const address = parseAddress(text);
  return address && { address, candidates };
}
