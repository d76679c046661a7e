// The state machine of RFC 5880 §6.2 as a table: our state, what the other says, and what follows.
import { diagnostic } from './diagnostic.ts';
import type { BfdState } from './message.ts';

export interface Transition {
  readonly to: BfdState;
  readonly diagnostic: number;
}

const stay = undefined;
const init: Transition = { to: 'init', diagnostic: diagnostic.none };
const up: Transition = { to: 'up', diagnostic: diagnostic.none };
const down: Transition = { to: 'down', diagnostic: diagnostic.neighbourSignalledDown };

/** By our state, by the received one (§6.8.6). One that is administratively down hears nothing. */
const table: Record<BfdState, Record<BfdState, Transition | undefined>> = {
  'admin-down': { 'admin-down': stay, down: stay, init: stay, up: stay },
  down: { 'admin-down': stay, down: init, init: up, up: stay },
  init: { 'admin-down': down, down: stay, init: up, up },
  up: { 'admin-down': down, down, init: stay, up: stay },
};

/** Undefined: nothing changes. */
export const transitionOf = (ours: BfdState, received: BfdState): Transition | undefined =>
  table[ours][received];
