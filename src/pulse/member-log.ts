// What the member's machine tells, as lines of the log: at three in the morning they say who heard whom, and why it moved.
import type { MemberEffect } from '../announce/membership/state.ts';
import type { Log } from '../observe/log.ts';

/** Writes what is worth a line; moves of addresses have lines of their own. */
export function logMemberEffect(log: Log, effect: MemberEffect): void {
  switch (effect.kind) {
    case 'alive':
      log.info('member-alive', { node: effect.node });
      return;
    case 'silent':
      log.info('member-silent', { node: effect.node });
      return;
    case 'dead':
      log.info('member-dead', { node: effect.node, cause: effect.cause, votes: effect.votes });
      return;
    case 'late':
      log.warn('was-late', {
        milliseconds: effect.milliseconds,
        next: 'The host was frozen or overloaded: give it more CPU, or look for what stops it.',
      });
      return;
    case 'electorate':
      log.info('electorate', {
        members: effect.electorate.map(({ members }) => members.join(', ')).join(' and '),
      });
      return;
    case 'conflict':
      log.warn('member-conflict', {
        address: effect.key,
        node: effect.node,
        yields: effect.yields,
        next: 'Two nodes answered while they did not hear each other; with a third node a majority decides.',
      });
      return;
    case 'send':
    case 'speak':
    case 'silence':
    case 'changed':
    case 'outdated':
    case 'refused':
      return;
    default:
      effect satisfies never;
  }
}
