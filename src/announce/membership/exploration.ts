// Every course that a small cluster can take, round by round, to a depth: what random faults of a simulation may miss.
//
// A round is 75 ms, so a lease (120) ends within the second round after its grant, and patience (150) not before. In each
// round an adversary chooses what the network does from now on, or what becomes of one node. Worlds that differ in
// nothing that matters are played on from once.
import { hash } from 'node:crypto';
import { electorateDigest } from './electorate.ts';
import { createMember, stepMember } from './machine.ts';
import type { Addresses, MemberEvent, MemberState, Message, Rules } from './state.ts';

export interface ExplorationOptions {
  readonly nodes: readonly string[];
  readonly rules: Rules;
  /** Rounds that are played. */
  readonly depth: number;
  /** In so many of them the adversary does something, at most. */
  readonly faults: number;
  /** Rounds without faults before. */
  readonly settling: number;
  /** Rounds on a whole network after each course, at whose end one node speaks; none if undefined. */
  readonly closing?: number;
}

interface World {
  now: number;
  readonly members: readonly MemberState[];
  /** Sent, and held back by the network until the next round. */
  held: readonly Message[];
  network: Network;
  /** What happened, a round each. */
  readonly path: readonly string[];
}

interface Network {
  readonly kind: 'whole' | 'out' | 'in' | 'both' | 'delay';
  /** Whose messages it loses or delays. */
  readonly node: string | undefined;
}

type Choice =
  | { readonly kind: 'network'; readonly network: Network }
  | { readonly kind: 'wait' }
  | { readonly kind: 'freeze' | 'restart' | 'drain'; readonly node: string };

const roundMilliseconds = 75;
const key = 'k';

export class TwoSpeakersFound extends Error {}
export class NobodyFound extends Error {}

export interface Explored {
  /** That differ. */
  worlds: number;
  rounds: number;
}

/** Plays every course; throws with its path for one in which two nodes speak at once, or none does at the end. */
export function explore(options: ExplorationOptions): Explored {
  const choices = choicesFor(options.nodes);
  /** By digest and by what the adversary has left, how deep it was played on from. */
  const visited = new Map<string, number>();
  const explored: Explored = { worlds: 1, rounds: 0 };
  const playOn = (world: World, depth: number, faults: number): void => {
    for (const choice of faults > 0 ? choices : [wait]) {
      const after = play(copyOf(world), choice, options);
      explored.rounds++;
      const left = choice.kind === 'wait' ? faults : faults - 1;
      const digest = `${left} ${hash('md5', digestOf(after), 'base64')}`;
      const before = visited.get(digest);
      if (before === undefined) explored.worlds++;
      if (before !== undefined && before >= depth - 1) continue;
      visited.set(digest, depth - 1);
      if (depth > 1) playOn(after, depth - 1, left);
      else if (options.closing !== undefined) close(after, options.closing, options);
    }
  };
  playOn(settled(options), options.depth, options.faults);
  return explored;
}

function choicesFor(nodes: readonly string[]): Choice[] {
  const networks = (['out', 'in', 'both', 'delay'] as const).flatMap((kind) =>
    nodes.map((node) => ({ kind, node })),
  );
  const fates = (['freeze', 'restart', 'drain'] as const).flatMap((kind) =>
    nodes.map((node) => ({ kind, node })),
  );
  return [wait, ...[whole, ...networks].map((network) => ({ kind: 'network', network }) as const), ...fates];
}

const wait: Choice = { kind: 'wait' };
const whole: Network = { kind: 'whole', node: undefined };

function settled(options: ExplorationOptions): World {
  const now = 1_000_000;
  const world: World = {
    now,
    members: options.nodes.map((name) => createMember(name, 1n, now, options.rules, undefined)),
    held: [],
    network: whole,
    path: [],
  };
  for (const member of world.members) {
    for (const event of firstEvents(options)) run(world, member, event, options, []);
  }
  for (let round = 0; round < options.settling; round++) play(world, wait, options);
  if (speakersOf(world).length !== 1 || !agreesOn(world.members))
    throw new Error(`${options.settling} rounds are too few to settle`);
  return { ...world, path: [] };
}

/** With quiet and a majority, one speaks. */
function close(world: World, rounds: number, options: ExplorationOptions): void {
  const path = [...world.path];
  play(world, { kind: 'network', network: whole }, options);
  for (let round = 1; round < rounds; round++) play(world, wait, options);
  if (speakersOf(world).length === 0)
    throw new NobodyFound(`nobody speaks ${rounds} rounds after:\n${path.join('\n')}`);
}

const firstEvents = ({ nodes }: ExplorationOptions): MemberEvent[] => [
  { kind: 'nodes', nodes },
  { kind: 'ready', ready: 'yes' },
  { kind: 'touched', keys: [key] },
];

const copyOf = (world: World): World => ({
  ...world,
  members: world.members.map((member) => structuredClone(member)),
  path: [...world.path],
});

/** One round: each node that is awake ticks; what is sent arrives at once, next round, or never. */
function play(world: World, choice: Choice, options: ExplorationOptions): World {
  world.now += roundMilliseconds;
  (world.path as string[]).push(textOf(choice));
  if (choice.kind === 'network') world.network = choice.network;
  if (choice.kind === 'restart') restart(world, choice.node, options);
  const asleep = choice.kind === 'freeze' ? choice.node : undefined;
  const { kind: network, node: cut } = world.network;
  const arriving: Message[] = [...world.held];
  const held: Message[] = [];
  for (const member of world.members) {
    if (member.self === asleep) continue;
    run(world, member, { kind: 'tick' }, options, arriving);
    if (choice.kind !== 'drain' || choice.node !== member.self) continue;
    run(world, member, { kind: 'ready', ready: member.ready === 'yes' ? 'no' : 'yes' }, options, arriving);
  }
  // Acks ask for heartbeats and these for acks, but not for ever.
  for (let message = arriving.shift(); message !== undefined; message = arriving.shift()) {
    const isOut = message.from === cut && (network === 'out' || network === 'both');
    const isIn = message.to === cut && (network === 'in' || network === 'both');
    const receiver = world.members.find(({ self }) => self === message?.to);
    if (receiver === undefined || isOut || isIn) continue;
    const waits =
      message.to === asleep || (message.from === cut && network === 'delay' && !world.held.includes(message));
    if (waits) held.push(message);
    else run(world, receiver, { kind: 'message', message }, options, arriving);
  }
  world.held = held;
  return world;
}

function restart(world: World, name: string | undefined, options: ExplorationOptions): void {
  const index = world.members.findIndex(({ self }) => self === name);
  const before = world.members[index];
  if (before === undefined) return;
  const member = createMember(before.self, before.bootId + 1n, world.now, options.rules, before.electorate);
  (world.members as MemberState[])[index] = member;
  // What waits in the sockets of a process goes with it.
  world.held = world.held.filter(({ to }) => to !== before.self);
  for (const event of firstEvents(options)) run(world, member, event, options, []);
}

function run(
  world: World,
  member: MemberState,
  event: MemberEvent,
  options: ExplorationOptions,
  sent: Message[],
): void {
  for (const effect of stepMember(member, event, world.now, addressesOf(options)))
    if (effect.kind === 'send') sent.push(effect.message);
  const speakers = speakersOf(world);
  if (speakers.length > 1)
    throw new TwoSpeakersFound(`${speakers.join(' and ')} both speak after:\n${world.path.join('\n')}`);
}

const speakersOf = ({ members, now }: World): string[] =>
  members
    .filter((member) => {
      const claim = member.claims.get(key);
      return claim?.isSpeaking === true && (claim.lease?.deadline ?? 0) > now;
    })
    .map(({ self }) => self);

const addressesOf = ({ nodes }: ExplorationOptions): Addresses => ({
  keys: () => [key],
  elect: (_key, mayHave) => nodes.find(mayHave),
});

const textOf = (choice: Choice): string => {
  if (choice.kind === 'wait') return 'nothing';
  if (choice.kind !== 'network') return `${choice.kind} ${choice.node}`;
  const { kind, node } = choice.network;
  return node === undefined ? `network ${kind}` : `network ${kind} ${node}`;
};

/** All that bears on what can happen next: times from now on, numbers by what they are compared with. */
function digestOf({ now, members, held, network }: World): string {
  const since = (time: number | undefined): number =>
    time === undefined ? -9999 : Math.max(-1000, Math.min(1000, time - now));
  const memberNamed = (name: string): MemberState | undefined => members.find(({ self }) => self === name);
  const digestOfMember = (member: MemberState): unknown => [
    member.ready,
    member.wasCandidate,
    [...member.elected.values()],
    member.digest,
    [member.lastStep, member.nextBeat, member.agreedSince, member.wishedSince, member.retryAt].map(since),
    since(member.watcher.grantsFrom),
    [...member.claims.values()].map((claim) => [
      claim.granted,
      claim.refused,
      claim.isSpeaking,
      claim.isStandIn,
      claim.tries,
      since(claim.lease?.deadline),
    ]),
    [...member.handOvers].map(([, { to, waiting }]) => [to, waiting]),
    [...member.given],
    [...member.heldBy].map(([, { node, askAt }]) => [node, since(askAt)]),
    [...member.wanted].map(([, { node, at }]) => [node, since(at)]),
    [...member.standIns].map(([, at]) => since(at)),
    [...member.dirty],
    [...member.watcher.sessions.values()].map((session) => [
      session.node,
      since(session.lastHeard),
      session.bootId === memberNamed(session.node)?.bootId,
      [...session.wanted.values()],
    ]),
    [...member.watcher.locks.values()].map((session) => [
      session.node,
      since(session.lastHeard),
      member.watcher.sessions.get(session.node) === session,
    ]),
    [...member.peers.values(), member.own].map((peer) => {
      const other = memberNamed(peer.name);
      const ours = other?.peers.get(member.self);
      return [
        peer.state,
        peer.ready,
        peer.isStable,
        peer.silent,
        peer.bootId === other?.bootId,
        (ours?.sequence ?? 0) - peer.newest,
        peer.sequence - peer.acked,
        since(peer.lastHeard),
        since(peer.lastSent),
        since(peer.grantedUntil),
        peer.electorateDigest === member.digest,
        peer.hasInterfaces,
        peer.session === other?.watcher.sessions.get(member.self)?.id,
        [0, 1, 2, 3].map((back) => since(peer.sentAt[(peer.sequence - back) % peer.sentAt.length])),
        [...peer.toAsk],
        [...peer.toRelease].map(([, sequence]) => peer.sequence - sequence),
        [...peer.toHand],
        [...peer.again].map(([, at]) => since(at)),
      ];
    }),
  ];
  const digestOfMessage = (message: Message): unknown => {
    const { kind, from, to, toBootId, bootId, sequence } = message;
    const [sender, receiver] = [memberNamed(from), memberNamed(to)];
    const numbered = kind === 'beat' ? sender?.peers.get(to) : receiver?.peers.get(from);
    const said =
      kind === 'beat'
        ? [message.asks, message.releases, message.handed, message.ready]
        : [message.grants, message.granted, message.refused, message.released, message.wanted];
    return [
      kind,
      from,
      to,
      bootId === sender?.bootId,
      toBootId === receiver?.bootId,
      (numbered?.sequence ?? 0) - sequence,
      message.electorateDigest,
      message.silent,
      said,
    ];
  };
  return JSON.stringify([network, members.map(digestOfMember), held.map(digestOfMessage)]);
}

/** The same on all of them: nothing is being changed. */
const agreesOn = (members: readonly MemberState[]): boolean =>
  new Set(members.map(({ electorate }) => electorateDigest(electorate ?? []))).size === 1;
