// Which nodes are dead, from what pulse says of the members.
import type { LinkMemberState } from '../pulse/link.ts';

/**
 * Only a sign of life, or leaving the membership, takes a node out again: a pulse that has just started does not know
 * the others yet, and that must not bring back the endpoints of a dead node.
 */
export function nextDeadNodes(
  dead: ReadonlySet<string>,
  members: readonly LinkMemberState[],
): ReadonlySet<string> {
  const isDead = ({ name, state }: LinkMemberState): boolean =>
    state === 'dead' || (state === 'unknown' && dead.has(name));
  return new Set(members.filter(isDead).map(({ name }) => name));
}
