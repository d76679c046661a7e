// Elections carried out: the table of candidates, what this node has of it, and the neighbours told of what moved.
import {
  type AnnouncerConfig,
  announce,
  createAnnouncer,
  forget,
  nextDue,
  takeDue,
} from '../announce/layer2/announcer.ts';
import { electOwner, type Owner } from '../announce/layer2/elect.ts';
import type { NodeInterface } from '../announce/layer2/interfaces.ts';
import type { Claim } from '../announce/membership/state.ts';
import type { Candidate } from '../announce/plan.ts';
import { parseAddress } from '../model/address.ts';
import { addressOfKey, type Holding, parseHolding, shareKeys } from '../model/share.ts';
import type { Log } from '../observe/log.ts';
import type { FromPulse, LinkAddress, LinkOwned, ToPulse } from './link.ts';
import type { Responder } from './responder.ts';

export interface ElectionsOptions {
  readonly announcer: AnnouncerConfig;
  readonly responder: Responder;
  readonly log: Log;
  readonly now: () => number;
  readonly tell: (message: FromPulse) => void;
  readonly self: () => string;
  readonly interfacesOf: (node: string) => readonly NodeInterface[];
  /** The address, or a share of it, is no longer this node's. */
  readonly released: (address: string) => void;
}

export interface Elections extends Disposable {
  /** Those of the table: of addresses, and of shares of those that are spread. */
  keys(): Iterable<string>;
  knows(key: string): boolean;
  table(): LinkAddress[];
  readonly size: number;
  elect(key: string, mayHave: (node: string) => boolean): string | undefined;
  /** Takes what the agent says; returns the keys to elect anew. */
  takeTable(message: Extract<ToPulse, { type: 'announce' }>): Set<string>;
  /** Answers for the claim's address from now on. */
  speak(claim: Claim, origin: Origin): void;
  silence(key: string, to: string | undefined): void;
  /** Tells of all that was said since it was called last. */
  flush(): void;
  /** What this node has, on the interfaces that it has now. */
  interfacesChanged(keys: Iterable<string>): void;
  /** Tells the neighbours again of these addresses, or of all that this node has, on these interfaces or on all. */
  announceAgain(keys?: readonly string[], interfaces?: readonly string[]): void;
  /** All that this node has, as the responder answers for it. */
  owned(): Extract<FromPulse, { type: 'owned' }>;
  ownedKeys(): Iterable<string>;
}

/** Why the address is here, and since when. */
export type Origin = Pick<LinkOwned, 'cause' | 'from' | 'since' | 'silenceMilliseconds'>;

interface TableEntry {
  readonly holding: Holding;
  readonly candidates: readonly Candidate[];
}

interface OwnedEntry {
  readonly holding: Holding;
  readonly interfaces: readonly string[];
  readonly origin: Origin;
  readonly claim: Claim;
}

/** Of one message to the agent, that are logged one by one. */
const mostLogged = 20;

export function createElections(options: ElectionsOptions): Elections {
  const { responder, log, now, tell } = options;
  const table = new Map<string, TableEntry>();
  const owned = new Map<string, OwnedEntry>();
  const announcer = createAnnouncer(now(), options.announcer);
  /** What the agent has not been told yet: undefined is a removal, in favour of the node that is kept beside it. */
  const news = new Map<string, { readonly entry: OwnedEntry | undefined; readonly to: string | undefined }>();
  let announceTimer: NodeJS.Timeout | undefined;

  const ownerOf = (key: string, mayHave: (node: string) => boolean): Owner | undefined => {
    const entry = table.get(key);
    return (
      entry &&
      electOwner(entry.holding.address, entry.candidates, (node) =>
        mayHave(node) ? options.interfacesOf(node) : undefined,
      )
    );
  };

  const own = (key: string, entry: OwnedEntry): void => {
    owned.set(key, entry);
    const { address, share } = entry.holding;
    responder.own(address, entry.interfaces, entry.claim, share);
    announce(announcer, key, now());
    news.set(key, { entry, to: undefined });
  };

  /** Whoever may come to have a share, knows its askers. */
  const overhearShares = (touched: Iterable<string>): void => {
    const addresses = new Set<string>();
    for (const key of touched) if (addressOfKey(key) !== key) addresses.add(addressOfKey(key));
    for (const text of addresses) {
      const address = parseAddress(text);
      if (address !== undefined)
        responder.overhear(
          address,
          shareKeys(text).some((key) => table.has(key)),
        );
    }
  };

  const sendDue = (): void => {
    clearTimeout(announceTimer);
    const asked = (key: string): number => responder.counters.get(addressOfKey(key))?.requestsReceived ?? 0;
    for (const key of takeDue(announcer, now(), options.announcer, asked)) {
      const entry = owned.get(key);
      if (entry !== undefined) responder.announce(entry.holding.address, entry.holding.share);
    }
    const next = nextDue(announcer, options.announcer);
    if (next !== undefined) announceTimer = setTimeout(sendDue, Math.max(1, next - now()));
  };

  const logNews = (): void => {
    if (news.size > mostLogged) {
      log.info('addresses-moved', { count: news.size });
      return;
    }
    for (const [address, { entry, to }] of news) {
      if (entry === undefined) log.info('address-released', { address, to });
      else {
        const { cause, from, silenceMilliseconds } = entry.origin;
        log.info('address-owned', {
          address,
          cause,
          from,
          silenceMilliseconds,
          interfaces: entry.interfaces,
        });
      }
    }
  };

  const ownedMessage = (key: string, { holding, origin }: OwnedEntry): LinkOwned => ({
    address: key,
    interfaces: responder.answering(holding.address, holding.share),
    cause: origin.cause,
    from: origin.from,
    since: origin.since,
    ...(origin.silenceMilliseconds === undefined ? {} : { silenceMilliseconds: origin.silenceMilliseconds }),
  });

  return {
    keys: () => table.keys(),
    knows: (key) => table.has(key),
    table: () => [...table].map(([address, { candidates }]) => ({ address, candidates })),
    get size() {
      return table.size;
    },
    elect: (key, mayHave) => ownerOf(key, mayHave)?.node,
    takeTable({ replace, upserts, removals }) {
      const touched = new Set(removals);
      if (replace) for (const known of table.keys()) touched.add(known);
      for (const gone of touched) table.delete(gone);
      for (const { address: key, candidates } of upserts) {
        // The agent formats addresses canonically; one that does not parse is none.
        const holding = parseHolding(key);
        if (holding === undefined) continue;
        table.set(key, { holding, candidates });
        touched.add(key);
      }
      overhearShares(touched);
      return touched;
    },
    speak(claim, origin) {
      const { key } = claim;
      const holding = parseHolding(key);
      if (holding === undefined) return;
      const interfaces = ownerOf(key, (node) => node === options.self())?.interfaces ?? [];
      own(key, { holding, interfaces, origin, claim });
    },
    silence(key, to) {
      const entry = owned.get(key);
      if (entry === undefined) return;
      owned.delete(key);
      responder.release(entry.holding.address, entry.holding.share);
      forget(announcer, key);
      options.released(addressOfKey(key));
      news.set(key, { entry: undefined, to });
    },
    flush() {
      if (news.size === 0) return;
      sendDue();
      logNews();
      const upserts = [...news].flatMap(([key, { entry }]) =>
        entry === undefined ? [] : [ownedMessage(key, entry)],
      );
      const removals = [...news].flatMap(([key, { entry }]) => (entry === undefined ? [key] : []));
      news.clear();
      tell({ type: 'owned', replace: false, upserts, removals });
    },
    interfacesChanged(keys) {
      for (const key of keys) {
        const entry = owned.get(key);
        if (entry === undefined) continue;
        const interfaces = ownerOf(key, (node) => node === options.self())?.interfaces ?? [];
        if (interfaces.join() !== entry.interfaces.join()) own(key, { ...entry, interfaces });
      }
    },
    announceAgain(keys, interfaces) {
      for (const [key, entry] of owned) {
        const isMeant =
          (keys === undefined || keys.includes(key)) &&
          (interfaces === undefined || interfaces.some((name) => entry.interfaces.includes(name)));
        if (isMeant) announce(announcer, key, now());
      }
      sendDue();
    },
    owned: () => ({
      type: 'owned',
      replace: true,
      upserts: [...owned].map(([key, entry]) => ownedMessage(key, entry)),
      removals: [],
    }),
    ownedKeys: () => [...owned.keys()],
    [Symbol.dispose]() {
      clearTimeout(announceTimer);
    },
  };
}
