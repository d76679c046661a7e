// Which watchers grant a claim, as bits, and until when that lets its holder speak.
import { type Configuration, majorityOf } from './electorate.ts';
import type { MemberState } from './state.ts';

/** The elector's bit; 0 of who is none. */
export const bitOf = (state: MemberState, name: string): number => {
  const bit = state.bits.get(name);
  return bit === undefined ? 0 : 1 << bit;
};

/** The members of the configuration that are in the mask. */
const count = (state: MemberState, { members }: Configuration, mask: number): number =>
  members.reduce((sum, name) => sum + ((bitOf(state, name) & mask) === 0 ? 0 : 1), 0);

/** Under `availability` each of two members may go on alone. */
export const goesAlone = (state: MemberState, { members }: Configuration): boolean =>
  state.rules.twoNodes === 'availability' && members.length === 2 && members.includes(state.self);

/** Enough of every configuration grant it, whatever the time. */
export const isHeld = (state: MemberState, granted: number): boolean =>
  (state.electorate ?? []).length > 0 &&
  (state.electorate ?? []).every((configuration) =>
    goesAlone(state, configuration)
      ? (granted & bitOf(state, state.self)) !== 0
      : count(state, configuration, granted) >= majorityOf(configuration),
  );

/** Until when grants of these watchers let this node speak; -Infinity: they are too few. */
export function deadlineOf(state: MemberState, mask: number): number {
  let deadline = state.electorate === undefined ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  for (const configuration of state.electorate ?? []) {
    const alone = goesAlone(state, configuration);
    const until = configuration.members
      .filter((name) => (bitOf(state, name) & mask) !== 0 && (!alone || name === state.self))
      .map((name) => grantedUntil(state, name))
      .sort((a, b) => b - a);
    const enough = until[alone ? 0 : majorityOf(configuration) - 1] ?? Number.NEGATIVE_INFINITY;
    deadline = Math.min(deadline, enough);
  }
  return deadline;
}

/** Its own watcher grants as long as it is awake; where there is no other, always. */
function grantedUntil(state: MemberState, name: string): number {
  if (name !== state.self) return state.peers.get(name)?.grantedUntil ?? Number.NEGATIVE_INFINITY;
  return state.bits.size === 1 ? Number.POSITIVE_INFINITY : state.lastStep + state.timing.leaseMilliseconds;
}
