// What a simulated member does, in words: for the trace of a course that failed.
import type { MemberEffect } from './state.ts';

/** Undefined for what would only fill a trace. */
export function describeEffect(effect: MemberEffect): string | undefined {
  switch (effect.kind) {
    case 'speak':
      return `speaks for ${effect.claim.key}`;
    case 'silence':
      return `is silent for ${effect.key}${effect.to === undefined ? '' : `, in favour of ${effect.to}`}`;
    case 'electorate':
      return `knows ${effect.electorate.map(({ epoch, members }) => `${epoch}{${members.join()}}`).join(' ')}`;
    case 'dead':
      return `takes ${effect.node} for dead (${effect.cause}, ${effect.votes} votes)`;
    case 'alive':
      return `hears ${effect.node}`;
    case 'silent':
      return `hears ${effect.node} no more`;
    case 'late':
      return `was ${effect.milliseconds} ms late`;
    case 'conflict':
      return `meets its rival ${effect.node} for ${effect.key}`;
    case 'send':
    case 'refused':
    case 'outdated':
    case 'changed':
      return undefined;
    default:
      return effect satisfies never;
  }
}
