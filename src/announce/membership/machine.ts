// Who is alive, as one node sees it: a pure machine fed with heartbeats and ticks. Time is milliseconds of a steady clock.
import { type NodeInterface, sameInterfaces } from '../layer2/interfaces.ts';
import type { Heartbeat } from './message.ts';

export interface MembershipConfig {
  readonly intervalMilliseconds: number;
  /** A member not heard for so long is dead. */
  readonly patienceMilliseconds: number;
  /** A node that starts, or that was late itself, first listens for so long. */
  readonly settleMilliseconds: number;
}

export const defaultMembershipConfig: MembershipConfig = {
  intervalMilliseconds: 100,
  patienceMilliseconds: 400,
  settleMilliseconds: 1000,
};

export interface Member {
  readonly name: string;
  readonly state: 'unknown' | 'alive' | 'dead';
  readonly bootId: bigint;
  /** The newest so far. */
  readonly sequence: bigint;
  /** Bit n: the datagram n before the newest has been heard. */
  readonly heard: bigint;
  readonly lastHeard: number | undefined;
  /** Accepted heartbeats since it was last dead or unknown. */
  readonly heardInARow: number;
  readonly ready: boolean;
  readonly interfaces: readonly NodeInterface[];
}

export interface Membership {
  readonly self: string;
  readonly members: ReadonlyMap<string, Member>;
  /** When listening ends; undefined: it has ended, and this node may be elected. */
  readonly settlesAt: number | undefined;
  readonly lastTick: number;
}

export type MembershipEvent =
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'members'; readonly names: readonly string[] }
  | { readonly kind: 'tick' };

export type MembershipEffect =
  | { readonly kind: 'became-alive'; readonly node: string }
  | { readonly kind: 'became-dead'; readonly node: string; readonly cause: 'silent' | 'left' }
  /** Its readiness or interfaces are other than before. */
  | { readonly kind: 'changed'; readonly node: string }
  | { readonly kind: 'settled' }
  /** This node was late itself, may be dead to others, and listens again. */
  | { readonly kind: 'was-late'; readonly milliseconds: number }
  | { readonly kind: 'refused'; readonly cause: 'unknown-node' | 'own-name' | 'replayed' };

export interface Step {
  readonly state: Membership;
  readonly effects: readonly MembershipEffect[];
}

export const initialMembership = (self: string, now: number, config: MembershipConfig): Membership => ({
  self,
  members: new Map(),
  settlesAt: now + config.settleMilliseconds,
  lastTick: now,
});

export function stepMembership(
  state: Membership,
  event: MembershipEvent,
  now: number,
  config: MembershipConfig,
): Step {
  switch (event.kind) {
    case 'heartbeat':
      return onHeartbeat(state, event.heartbeat, now);
    case 'members':
      return onMembers(state, event.names);
    case 'tick':
      return onTick(state, now, config);
    default:
      return event satisfies never;
  }
}

const stranger = (name: string): Member => ({
  name,
  state: 'unknown',
  bootId: 0n,
  sequence: 0n,
  heard: 0n,
  lastHeard: undefined,
  heardInARow: 0,
  ready: false,
  interfaces: [],
});

function onMembers(state: Membership, names: readonly string[]): Step {
  const others = names.filter((name) => name !== state.self);
  const members = new Map(others.map((name) => [name, state.members.get(name) ?? stranger(name)]));
  const effects: MembershipEffect[] = [];
  for (const { name, state: was } of state.members.values()) {
    if (!members.has(name) && was === 'alive')
      effects.push({ kind: 'became-dead', node: name, cause: 'left' });
  }
  return { state: { ...state, members }, effects };
}

/** Two heartbeats in a row make a member alive: one alone may have been long on its way. */
const aliveAfter = 2;

function onHeartbeat(state: Membership, heartbeat: Heartbeat, now: number): Step {
  const { node, bootId, sequence, ready, leaving, interfaces } = heartbeat;
  const refuse = (cause: 'unknown-node' | 'own-name' | 'replayed'): Step => ({
    state,
    effects: [{ kind: 'refused', cause }],
  });
  if (node === state.self) return refuse('own-name');
  const member = state.members.get(node);
  if (member === undefined) return refuse('unknown-node');
  const freshness = freshnessOf(member, heartbeat);
  if (freshness === 'replayed') return refuse('replayed');
  if (freshness === 'overtaken') {
    const heard = member.heard | (1n << (member.sequence - sequence));
    return {
      state: { ...state, members: new Map(state.members).set(node, { ...member, heard }) },
      effects: [],
    };
  }

  const restarted = bootId !== member.bootId;
  const ahead = sequence - member.sequence;
  const heardInARow = leaving ? 0 : restarted ? 1 : member.heardInARow + 1;
  const next: Member = {
    name: node,
    bootId,
    sequence,
    heard:
      restarted || ahead >= replayWindow
        ? 1n
        : BigInt.asUintN(Number(replayWindow), member.heard << ahead) | 1n,
    lastHeard: now,
    heardInARow,
    ready: ready && !leaving,
    interfaces: sameInterfaces(interfaces, member.interfaces) ? member.interfaces : interfaces,
    state: leaving ? 'dead' : heardInARow >= aliveAfter ? 'alive' : member.state,
  };
  const effects: MembershipEffect[] = [];
  if (next.state !== member.state) {
    if (next.state === 'alive') effects.push({ kind: 'became-alive', node });
    else if (member.state === 'alive') effects.push({ kind: 'became-dead', node, cause: 'left' });
  }
  if (next.ready !== member.ready || next.interfaces !== member.interfaces)
    effects.push({ kind: 'changed', node });
  return { state: { ...state, members: new Map(state.members).set(node, next) }, effects };
}

/** How far behind the newest a datagram may be and still be one that was never heard. */
const replayWindow = 64n;

/**
 * Heartbeats of the two families travel by sockets of their own and overtake each other: an older one that was never
 * heard is no replay, but says nothing new either. Boot ids grow with time (they begin with the clock), so those of an
 * older start are old ones sent again.
 */
function freshnessOf(member: Member, { bootId, sequence }: Heartbeat): 'newest' | 'overtaken' | 'replayed' {
  if (bootId !== member.bootId) return bootId > member.bootId ? 'newest' : 'replayed';
  if (sequence > member.sequence) return 'newest';
  const behind = member.sequence - sequence;
  return behind < replayWindow && ((member.heard >> behind) & 1n) === 0n ? 'overtaken' : 'replayed';
}

/**
 * A tick that is late by an interval judges nobody: what others sent meanwhile waits in the socket. One that is late
 * by the patience was long enough for others to take this node for dead: it gives up what it has and listens again.
 * Who has no others has nobody to listen to.
 */
function onTick(state: Membership, now: number, config: MembershipConfig): Step {
  const late = now - state.lastTick - config.intervalMilliseconds;
  const ticked = { ...state, lastTick: now };
  const isAlone = state.members.size === 0;
  if (late >= config.patienceMilliseconds && !isAlone) {
    return {
      state: { ...ticked, settlesAt: now + config.settleMilliseconds },
      effects: [{ kind: 'was-late', milliseconds: Math.round(late) }],
    };
  }
  if (late >= config.intervalMilliseconds) return { state: ticked, effects: [] };

  const effects: MembershipEffect[] = [];
  let members: Map<string, Member> | undefined;
  for (const member of state.members.values()) {
    if (member.state !== 'alive' || member.lastHeard === undefined) continue;
    if (now - member.lastHeard <= config.patienceMilliseconds) continue;
    members ??= new Map(state.members);
    members.set(member.name, { ...member, state: 'dead', ready: false, heardInARow: 0 });
    effects.push({ kind: 'became-dead', node: member.name, cause: 'silent' });
  }
  let { settlesAt } = state;
  if (settlesAt !== undefined && (isAlone || now >= settlesAt)) {
    settlesAt = undefined;
    effects.push({ kind: 'settled' });
  }
  return { state: { ...ticked, settlesAt, members: members ?? state.members }, effects };
}
