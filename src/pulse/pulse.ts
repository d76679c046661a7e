// The pulse: hears who is alive, elects each address's owner, answers for what this node owns. It outlives its agent.
import type { AnnouncerConfig } from '../announce/layer2/announcer.ts';
import { formatMac } from '../announce/layer2/ethernet.ts';
import {
  type LinkState,
  type NodeInterface,
  nodeInterfaces,
  sameInterfaces,
} from '../announce/layer2/interfaces.ts';
import {
  initialMembership,
  type Member,
  type Membership,
  type MembershipConfig,
  type MembershipEffect,
  type MembershipEvent,
  stepMembership,
} from '../announce/membership/machine.ts';
import type { HeartbeatSession } from '../announce/membership/session.ts';
import { parseAddress } from '../model/address.ts';
import type { Log } from '../observe/log.ts';
import { type Conflicts, noteClaim } from './conflicts.ts';
import { createCounterReport } from './counter-report.ts';
import { createElections } from './elections.ts';
import { createHeartbeats } from './heartbeats.ts';
import type { FromPulse, LinkMember, LinkMemberState, ToPulse } from './link.ts';
import type { Responder, ResponderEvents, ResponderInterface } from './responder.ts';

export interface PulseOptions {
  readonly version: string;
  readonly membership: MembershipConfig;
  readonly announcer: AnnouncerConfig;
  readonly excludedInterfaces: readonly RegExp[];
  readonly log: Log;
  readonly session: Pick<HeartbeatSession, 'send'>;
  readonly responder: Responder;
  /** Milliseconds of a steady clock: `performance.now`. */
  readonly now: () => number;
  /** Sends to every agent and command that listens. */
  readonly tell: (message: FromPulse) => void;
}

export interface Pulse extends Disposable {
  /** What a new listener hears first. */
  greeting(): FromPulse[];
  /** A message of the agent; `stop` is the caller's. */
  handle(message: ToPulse): void;
  heartbeatReceived(message: Uint8Array): void;
  linksChanged(links: readonly (LinkState & ResponderInterface)[]): void;
  conflict: ResponderEvents['conflict'];
  malformed: ResponderEvents['malformed'];
  /** Says farewell and falls silent. */
  leave(): void;
}

export function createPulse(options: PulseOptions): Pulse {
  const { log, now, tell, responder } = options;
  const heartbeats = createHeartbeats(options.session, log);
  const counterReport = createCounterReport(responder.counters);
  const conflicts: Conflicts = new Map();
  let membership: Membership | undefined;
  let members: readonly LinkMember[] = [];
  /** The agent has sent all of its first table. */
  let isTableWhole = false;
  let links: readonly (LinkState & ResponderInterface)[] = [];
  let interfaces: readonly NodeInterface[] = [];
  let unopened = '';
  let hasLeft = false;

  const step = (event: MembershipEvent): void => {
    if (membership === undefined) return;
    const { state, effects } = stepMembership(membership, event, now(), options.membership);
    membership = state;
    if (effects.length > 0) follow(effects);
  };

  const follow = (effects: readonly MembershipEffect[]): void => {
    let moved = false;
    let hasNewcomer = false;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'became-alive':
          moved = true;
          log.info('member-alive', { node: effect.node });
          hasNewcomer = true;
          break;
        case 'became-dead':
          moved = true;
          log.info('member-dead', { node: effect.node, cause: effect.cause });
          break;
        case 'was-late':
          moved = true;
          log.warn('was-late', {
            milliseconds: effect.milliseconds,
            next: 'The host was frozen or overloaded: give it more CPU, or look for what stops it.',
          });
          break;
        case 'changed':
        case 'settled':
          moved = true;
          break;
        case 'refused':
          refuse(effect.cause);
          break;
        default:
          effect satisfies never;
      }
    }
    if (!moved) return;
    moveDeadline();
    // A node that becomes ready says so first: the incumbents are silent before it announces.
    if (effects.some(({ kind }) => kind === 'settled')) sendHeartbeat();
    elections.electAll();
    // It may have answered for our addresses while we did not hear each other.
    if (hasNewcomer) elections.announceAgain();
    tell(membersMessage());
  };

  /** One line a cause; the counts are told with the counters. */
  const refuse = (cause: string): void => {
    if (counterReport.refuse(`heartbeat-${cause}`) > 1) return;
    log.warn('heartbeat-refused', {
      cause,
      next: 'Another cluster, a wrong key or a twin of a node is on the network: give each cluster its own key, and each node its own name.',
    });
  };

  const interfacesOf = (node: string): readonly NodeInterface[] | undefined => {
    if (membership === undefined || hasLeft) return undefined;
    if (node === membership.self) return mayAnswer() ? interfaces : undefined;
    const member = membership.members.get(node);
    return isServing(member) ? member.interfaces : undefined;
  };

  /** What the others are told: this node has listened, and knows all that it would be elected for. */
  const isReady = (): boolean => membership?.settlesAt === undefined && isTableWhole;

  /** Who may not answer is silent from this moment on, whatever still waits to be released. */
  const moveDeadline = (): void => {
    const mayAnswerNow = membership !== undefined && !hasLeft && mayAnswer();
    responder.setDeadline(mayAnswerNow ? now() + options.membership.patienceMilliseconds : 0);
  };

  /** With part of its table it answers for that, but only where nobody else is there to do it. */
  const mayAnswer = (): boolean =>
    membership?.settlesAt === undefined &&
    !heartbeats.isDeaf &&
    (isTableWhole || ![...(membership?.members.values() ?? [])].some(isServing));

  const elections = createElections({
    announcer: options.announcer,
    responder,
    log,
    now,
    tell,
    view: () => ({
      self: membership?.self ?? '',
      interfacesOf,
      isDead: (node) => membership?.members.get(node)?.state === 'dead',
    }),
    released: (address) => conflicts.delete(address),
  });

  const membersMessage = (): FromPulse => ({ type: 'members', members: members.map(memberState) });

  const memberState = ({ name }: LinkMember): LinkMemberState => {
    if (name === membership?.self) {
      return { name, state: 'alive', lastHeardMilliseconds: 0, interfaces: namesOf(interfaces) };
    }
    const { state, lastHeard, interfaces: theirs } = membership?.members.get(name) ?? neverHeard;
    const lastHeardMilliseconds = lastHeard === undefined ? undefined : Math.round(now() - lastHeard);
    return { name, state, lastHeardMilliseconds, interfaces: namesOf(theirs) };
  };

  const sendHeartbeat = (leaving = false): void => {
    // After the farewell, anything more would bring this node back to life.
    if (membership === undefined || (hasLeft && !leaving)) return;
    heartbeats.send({ node: membership.self, ready: isReady(), leaving, interfaces });
  };

  const configure = (message: Extract<ToPulse, { type: 'configure' }>): void => {
    if (membership !== undefined && membership.self !== message.node) startAnew();
    members = message.members;
    const peers = members
      .filter(({ name }) => name !== message.node)
      .flatMap(({ addresses }) => addresses.map(parseAddress).filter((address) => address !== undefined));
    heartbeats.configure(peers, message.keyFile);
    membership ??= initialMembership(message.node, now(), options.membership);
    step({ kind: 'members', names: members.map(({ name }) => name) });
    // Who cannot hear the others any more must not answer beside them.
    moveDeadline();
    if (heartbeats.isDeaf) elections.electAll();
    tell(membersMessage());
  };

  /** A node of another name is another node. */
  const startAnew = (): void => {
    elections.startAnew();
    membership = undefined;
    tell(elections.owned());
  };

  /** The key came late: what was not heard without it has to be listened for first. */
  const retryKey = (): void => {
    const wasDeaf = heartbeats.isDeaf;
    heartbeats.retry();
    if (membership === undefined || !wasDeaf || heartbeats.isDeaf) return;
    membership = initialMembership(membership.self, now(), options.membership);
    step({ kind: 'members', names: members.map(({ name }) => name) });
    log.info('key-read');
  };

  const takeTable = (message: Extract<ToPulse, { type: 'announce' }>): void => {
    const touched = elections.takeTable(message);
    if (isTableWhole || message.isPartial === true) {
      elections.elect(touched);
      return;
    }
    isTableWhole = true;
    moveDeadline();
    // Said first, so that the incumbents are silent before it announces.
    sendHeartbeat();
    elections.elect(touched);
    elections.electAll();
  };

  const takeLinks = (): void => {
    const before = interfaces;
    const usable = nodeInterfaces(links, options.excludedInterfaces);
    const opened = responder.setInterfaces(links.filter(({ name }) => namesOf(usable).includes(name)));
    // A link that cannot be answered on is as good as down, in this node's elections and in the others'.
    interfaces = usable.map((one) => (responder.isOpen(one.name) ? one : { ...one, up: false }));
    const notOpened = namesOf(usable).filter((name) => !responder.isOpen(name));
    if (notOpened.length > 0 && notOpened.join() !== unopened) {
      log.warn('interfaces-not-opened', {
        interfaces: notOpened,
        next: 'Let pulse open packet sockets (CAP_NET_RAW), or exclude these interfaces; it tries again each second.',
      });
    }
    unopened = notOpened.join();
    if (!sameInterfaces(before, interfaces)) {
      log.info('interfaces', { usable: namesOf(interfaces) });
      // The others shall know before they wonder.
      sendHeartbeat();
      elections.electAll();
    }
    if (opened.length === 0) return;
    elections.announceAgain(opened);
    tell(elections.owned());
  };

  const beat = setInterval(() => {
    step({ kind: 'tick' });
    moveDeadline();
    sendHeartbeat();
  }, options.membership.intervalMilliseconds);

  const everySecond = setInterval(() => {
    retryKey();
    if (unopened !== '') takeLinks();
    const news = counterReport.news();
    if (news !== undefined) tell(news);
  }, 1000);

  return {
    greeting: () => [
      { type: 'hello', version: options.version, pid: process.pid, node: membership?.self },
      membersMessage(),
      elections.owned(),
      counterReport.all(),
    ],
    handle(message) {
      if (message.type === 'configure') configure(message);
      else if (message.type === 'announce') takeTable(message);
    },
    heartbeatReceived(bytes) {
      const heartbeat = heartbeats.read(bytes);
      if (heartbeat === undefined) return;
      if ('error' in heartbeat) refuse(heartbeat.error);
      else step({ kind: 'heartbeat', heartbeat });
    },
    linksChanged(list) {
      links = list;
      takeLinks();
    },
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
      hasLeft = true;
      moveDeadline();
      elections.electAll();
      for (let copy = 0; copy < 3; copy++) sendHeartbeat(true);
      tell({ type: 'stopping' });
    },
    [Symbol.dispose]() {
      clearInterval(beat);
      clearInterval(everySecond);
      elections[Symbol.dispose]();
    },
  };
}

const neverHeard = { state: 'unknown', lastHeard: undefined, interfaces: [] } as const;

const isServing = (member: Member | undefined): member is Member => member?.state === 'alive' && member.ready;

/** Of those that are up. */
const namesOf = (interfaces: readonly NodeInterface[]): string[] =>
  interfaces.filter(({ up }) => up).map(({ name }) => name);
