// The pulse: hears who is alive, claims addresses, answers for what this node owns. It outlives its agent.
import { randomBytes } from 'node:crypto';
import type { AnnouncerConfig } from '../announce/layer2/announcer.ts';
import { formatMac } from '../announce/layer2/ethernet.ts';
import type { LinkState } from '../announce/layer2/interfaces.ts';
import type { Electorate } from '../announce/membership/electorate.ts';
import { createMember, stepMember } from '../announce/membership/machine.ts';
import type { HeartbeatSession } from '../announce/membership/session.ts';
import type {
  Claim,
  MemberEffect,
  MemberEvent,
  MemberState,
  Message,
  Readiness,
  Rules,
} from '../announce/membership/state.ts';
import { formatAddress } from '../model/address.ts';
import type { Log } from '../observe/log.ts';
import { letProcessGrow } from '../observe/small-process.ts';
import { type Conflicts, noteClaim } from './conflicts.ts';
import { createCounterReport } from './counter-report.ts';
import { createElections } from './elections.ts';
import { type FormerOwners, formerOwnerOf } from './former-owners.ts';
import { createHeartbeats } from './heartbeats.ts';
import { createKeptConnections } from './kept-connections.ts';
import type { FromPulse, LinkMember, ToPulse } from './link.ts';
import { createMajorityWatch } from './majority-watch.ts';
import { logMemberEffect } from './member-log.ts';
import { membersMessage } from './members-report.ts';
import type { Memory } from './memory.ts';
import { originOf } from './origin.ts';
import type { Responder, ResponderEvents } from './responder.ts';
import { createSegments, type SegmentsOptions } from './segments.ts';
import type { Estate } from './succession.ts';
import { createUsableLinks, type HostLink } from './usable-links.ts';

export interface PulseOptions {
  readonly version: string;
  readonly rules: Rules;
  readonly announcer: AnnouncerConfig;
  readonly excludedInterfaces: readonly RegExp[];
  readonly log: Log;
  readonly session: Pick<HeartbeatSession, 'send'>;
  readonly responder: Responder;
  readonly formerOwners: FormerOwners;
  readonly openHelloSocket: SegmentsOptions['open'];
  /** What a start leaves to the next. */
  readonly memory: Memory;
  /** Milliseconds of a steady clock that goes on while the machine sleeps. */
  readonly now: () => number;
  /** Sends to every agent and command that listens. */
  readonly tell: (message: FromPulse) => void;
}

export interface Pulse extends Disposable {
  /** What a new listener hears first. */
  greeting(): FromPulse[];
  /** The address, or the share of one, is in its table. */
  knows(key: string): boolean;
  /** Nobody tells this pulse any more who may have what. */
  agentGone(): void;
  /** A message of the agent; `stop` is the caller's. */
  handle(message: ToPulse): void;
  /** `from`: the address that it came from. */
  heartbeatReceived(message: Uint8Array, from: string): void;
  linksChanged(links: readonly HostLink[]): void;
  conflict: ResponderEvents['conflict'];
  malformed: ResponderEvents['malformed'];
  /** Says farewell and falls silent. */
  leave(): void;
  /** Lets itself be heard by all now. */
  renew(): void;
  /** Gives everything up for a successor, without a word to the others; undefined when there is nothing to give. */
  bequeath(): Estate | undefined;
  /** Goes on where another pulse of this node stopped; after the links are known. */
  inherit(estate: Estate): void;
}

/** From here on speed is worth more than memory: a slow pulse is late, and a late one looks dead. */
const manyMembers = 16;
const manyAddresses = 2000;

/** How often the member's machine looks at the clock. */
const tickMilliseconds = 10;

export function createPulse(options: PulseOptions): Pulse {
  const { log, now, tell, responder, memory, formerOwners } = options;
  const heartbeats = createHeartbeats(options.session, log);
  const counterReport = createCounterReport(responder.counters);
  const conflicts: Conflicts = new Map();
  let self: string | undefined;
  /** Undefined while this node cannot hear the others. */
  let member: MemberState | undefined;
  let members: readonly LinkMember[] = [];
  let keyFile = '';
  /** The agent has sent all of its first table. */
  let isTableWhole = false;
  let isDraining = false;
  const keptConnections = createKeptConnections({
    formerOwners,
    resolve: (key, node) =>
      member?.peers.get(node)?.state === 'alive'
        ? formerOwnerOf(key, members, node, usableLinks.interfaces)
        : undefined,
    now,
  });
  let hasLeft = false;
  let smallestSlack = Number.POSITIVE_INFINITY;
  let nextSlice: NodeJS.Immediate | undefined;
  let nextMembers: NodeJS.Timeout | undefined;

  const step = (event: MemberEvent): void => {
    if (member === undefined) return;
    follow(stepMember(member, event, now(), elections));
    // Heartbeats must not wait for ten thousand addresses.
    if (member !== undefined && member.dirty.size > 0 && !hasLeft)
      nextSlice ??= setImmediate(() => {
        nextSlice = undefined;
        step({ kind: 'elect' });
      });
  };

  const follow = (effects: readonly MemberEffect[]): void => {
    let moved = false;
    keptConnections.follow(effects);
    for (const effect of effects) {
      logMemberEffect(log, effect);
      switch (effect.kind) {
        case 'send':
          send(effect.message);
          break;
        case 'speak':
          speak(effect.claim);
          break;
        case 'silence':
          elections.silence(effect.key, effect.to);
          break;
        case 'alive':
          moved = true;
          // With two nodes it may have answered for our addresses while we did not hear each other.
          if (members.length === 2) elections.announceAgain();
          break;
        case 'silent':
        case 'dead':
        case 'changed':
          moved = true;
          break;
        case 'electorate':
          moved = true;
          remember(effect.electorate);
          break;
        case 'outdated':
          startAgain(effect.bootId);
          break;
        case 'conflict':
          if (!effect.yields) elections.announceAgain([effect.key]);
          break;
        case 'late':
          break;
        case 'refused':
          refuse(effect.cause);
          break;
        default:
          effect satisfies never;
      }
    }
    elections.flush();
    if (moved) nextMembers ??= setTimeout(tellMembers, members.length > manyMembers ? 50 : 0);
  };

  /** In a large cluster one event changes what is known of many members. */
  const tellMembers = (): void => {
    clearTimeout(nextMembers);
    nextMembers = undefined;
    if (!hasLeft) tell(currentMembers());
  };

  const speak = (claim: Claim): void => {
    if (member === undefined) return;
    const mayHave = (node: string): boolean =>
      elections.elect(claim.key, (name) => name === node) !== undefined;
    elections.speak(claim, originOf(claim, member, mayHave, now(), Date.now()));
  };

  const send = (message: Message): void => {
    const peer = member?.peers.get(message.to);
    const isBeat = message.kind === 'beat' && peer !== undefined;
    heartbeats.send(message, isBeat ? peer.sequence - peer.acked - 1 : 0);
  };

  /** One line a cause; the counts are told with the counters. */
  const refuse = (cause: string): void => {
    if (counterReport.refuse(`heartbeat-${cause}`) > 1) return;
    log.warn('heartbeat-refused', {
      cause,
      next: 'Another cluster, a wrong key or a twin of a node is on the network: give each cluster its own key, and each node its own name.',
    });
  };

  const elections = createElections({
    announcer: options.announcer,
    responder,
    log,
    now,
    tell,
    self: () => self ?? '',
    interfacesOf: (node) =>
      node === self ? usableLinks.interfaces : (member?.peers.get(node)?.interfaces ?? []),
    released: (address) => conflicts.delete(address),
  });

  const currentMembers = (): ReturnType<typeof membersMessage> =>
    membersMessage({
      self,
      members,
      member,
      interfaces: usableLinks.interfaces,
      isDraining,
      now: now(),
    });

  /** Undefined where this node is alone, and leases are for ever. */
  const currentLeases = (): FromPulse | undefined => {
    if (member === undefined || member.peers.size === 0) return undefined;
    const { counts } = member;
    const recent = counts.smallestSlackMilliseconds;
    smallestSlack = Math.min(smallestSlack, recent);
    counts.smallestSlackMilliseconds = Number.POSITIVE_INFINITY;
    return {
      type: 'leases',
      recentSlackMilliseconds: finite(recent),
      smallestSlackMilliseconds: finite(smallestSlack),
      lapses: counts.lapses,
      conflicts: counts.conflicts,
    };
  };

  const remember = (electorate: Electorate | undefined): void => {
    if (self === undefined) return;
    memory.keep({ node: self, bootId: member?.bootId ?? 0n, electorate, isDraining });
  };

  /** It may be elected once it knows all that it would be elected for; with a part of it only where nobody else is. */
  const readiness = (): Readiness => {
    if (isDraining || hasLeft) return 'no';
    return isTableWhole ? 'yes' : elections.size > 0 ? 'alone' : 'no';
  };

  const configure = (message: Extract<ToPulse, { type: 'configure' }>): void => {
    if (self !== undefined && self !== message.node) end();
    self = message.node;
    members = message.members;
    keyFile = message.keyFile;
    heartbeats.configure(self, members, keyFile);
    usableLinks.refresh();
    noteSize();
    if (heartbeats.isDeaf) end();
    else if (member === undefined) begin();
    else step({ kind: 'nodes', nodes: members.map(({ name }) => name) });
    step({ kind: 'orphan', isOrphan: false });
    tellMembers();
  };

  /** Boot ids begin with the clock; where that was set back, with the last one. */
  const begin = (least = 0n): void => {
    if (self === undefined || hasLeft) return;
    const kept = memory.recall(self);
    const byClock = (BigInt(Date.now()) << 16n) | BigInt(randomBytes(2).readUInt16BE());
    const bootId = [byClock, (kept?.bootId ?? 0n) + 1n, least].reduce((a, b) => (a > b ? a : b));
    member = createMember(self, bootId, now(), options.rules, kept?.electorate);
    segments.begin(self, bootId);
    isDraining = kept?.isDraining ?? isDraining;
    remember(kept?.electorate);
    step({ kind: 'nodes', nodes: members.map(({ name }) => name) });
    step({ kind: 'interfaces', interfaces: usableLinks.interfaces });
    step({ kind: 'ready', ready: readiness() });
    step({ kind: 'touched', keys: elections.keys() });
  };

  /** Gives everything up, as if it had never been. */
  const end = (): void => {
    if (member === undefined) return;
    member = undefined;
    for (const key of elections.ownedKeys()) elections.silence(key, undefined);
    elections.flush();
    tell(elections.owned());
  };

  let lastStartAgain = Number.NEGATIVE_INFINITY;

  /** The clock was set back, or there is a twin: with twins each would start after the other, so not all the time. */
  const startAgain = (bootId: bigint): void => {
    if (now() - lastStartAgain < 60_000) return;
    lastStartAgain = now();
    log.warn('start-outdated', {
      next: 'The others know a later start of a node of this name: the clock was set back, or another node has this name.',
    });
    end();
    begin(bootId + 1n);
  };

  /** A key that came late lets this node begin; one that was exchanged is used from now on. */
  const readKeys = (): void => {
    if (!heartbeats.readKeys()) return;
    log.info('key-read');
    if (member === undefined) begin();
  };

  let isLarge = false;

  const noteSize = (): void => {
    if (isLarge || (members.length <= manyMembers && elections.size <= manyAddresses)) return;
    isLarge = true;
    letProcessGrow();
  };

  const takeTable = (message: Extract<ToPulse, { type: 'announce' }>): void => {
    const touched = elections.takeTable(message);
    noteSize();
    if (message.isPartial !== true) isTableWhole = true;
    elections.interfacesChanged(touched);
    step({ kind: 'ready', ready: readiness() });
    step({ kind: 'touched', keys: touched });
  };

  /** Heartbeats to this node do not come by it, and there are enough members to tell who of them is cut off. */
  const isApart = (link: LinkState): boolean => {
    if (members.length < 3) return false;
    const own = members.find(({ name }) => name === self)?.addresses ?? [];
    return !link.addresses.some(({ address }) => own.includes(formatAddress(address)));
  };

  const segments = createSegments({
    now,
    log,
    keys: () => heartbeats.keys,
    open: options.openHelloSocket,
    interfacesOf(name) {
      const peer = member?.peers.get(name);
      return peer?.state === 'alive' ? peer.interfaces : undefined;
    },
    changed: () => usableLinks.refresh(),
  });

  const usableLinks = createUsableLinks({
    responder,
    segments,
    excludedInterfaces: options.excludedInterfaces,
    log,
    isApart,
    changed() {
      elections.interfacesChanged(elections.ownedKeys());
      step({ kind: 'interfaces', interfaces: usableLinks.interfaces });
      elections.flush();
    },
    opened(names) {
      elections.announceAgain(undefined, names);
      tell(elections.owned());
    },
  });

  const ticking = setInterval(() => step({ kind: 'tick' }), tickMilliseconds);

  const majorityWatch = createMajorityWatch(log);

  const everySecond = setInterval(() => {
    readKeys();
    // Who has no key yet, or no agent, has said so.
    if (member !== undefined) majorityWatch.look(currentMembers(), now());
    keptConnections.expire();
    usableLinks.retry();
    const news = counterReport.news();
    if (news !== undefined) tell(news);
    const leases = currentLeases();
    if (leases !== undefined) tell(leases);
  }, 1000);

  return {
    greeting: () => [
      { type: 'hello', version: options.version, pid: process.pid, node: self },
      currentMembers(),
      elections.owned(),
      counterReport.all(),
    ],
    knows: (key) => elections.knows(key),
    agentGone: () => step({ kind: 'orphan', isOrphan: true }),
    handle(message) {
      if (hasLeft) return;
      if (message.type === 'configure') configure(message);
      else if (message.type === 'announce') takeTable(message);
      else if (message.type === 'drain') {
        isDraining = message.drain;
        log.info(isDraining ? 'drain' : 'drain-undone');
        remember(member?.electorate);
        step({ kind: 'ready', ready: readiness() });
        tellMembers();
      }
    },
    heartbeatReceived(bytes, from) {
      const message = heartbeats.read(bytes, from);
      if (message === undefined || hasLeft) return;
      if ('error' in message) refuse(message.error);
      else step({ kind: 'message', message });
    },
    linksChanged: usableLinks.set,
    conflict(address, interfaceName, mac) {
      if (!noteClaim(conflicts, address, now())) return;
      log.warn('address-conflict', {
        address,
        interface: interfaceName,
        mac: formatMac(mac),
        next: 'Another machine answers for this address too: take it away from there, or out of the pool.',
      });
    },
    malformed: (cause) => counterReport.refuse(`frame-${cause}`),
    leave() {
      step({ kind: 'leave' });
      hasLeft = true;
      tell({ type: 'stopping' });
    },
    renew: () => step({ kind: 'beat' }),
    bequeath() {
      const { upserts } = elections.owned();
      const before = member;
      member = undefined;
      hasLeft = true;
      tell({ type: 'stopping', isReplaced: true });
      if (before === undefined || self === undefined) return undefined;
      for (const key of elections.ownedKeys()) elections.silence(key, undefined);
      formerOwners.leaveBehind();
      return {
        node: self,
        members,
        keyFile,
        isDraining,
        isTableWhole,
        table: elections.table(),
        owned: upserts,
        formerNodes: keptConnections.entries(),
        askers: responder.askers(),
        member: before,
      };
    },
    inherit(estate) {
      ({ node: self, members, keyFile, isDraining, isTableWhole, member } = estate);
      member.rules = options.rules;
      responder.inherit(estate.askers);
      segments.begin(self, member.bootId);
      heartbeats.configure(self, members, keyFile);
      elections.takeTable({ type: 'announce', replace: true, upserts: estate.table, removals: [] });
      noteSize();
      keptConnections.inherit(estate.formerNodes);
      for (const owned of estate.owned) {
        const claim = member.claims.get(owned.address);
        if (claim?.isSpeaking === true) elections.speak(claim, owned);
      }
      elections.flush();
      step({ kind: 'tick' });
      step({ kind: 'interfaces', interfaces: usableLinks.interfaces });
      step({ kind: 'touched', keys: elections.keys() });
    },
    [Symbol.dispose]() {
      clearInterval(ticking);
      clearInterval(everySecond);
      clearImmediate(nextSlice);
      clearTimeout(nextMembers);
      segments[Symbol.dispose]();
      elections[Symbol.dispose]();
    },
  };
}

const finite = (value: number): number | undefined =>
  Number.isFinite(value) ? Math.round(value) : undefined;
