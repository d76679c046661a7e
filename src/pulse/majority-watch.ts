// Tells when this node has heard too few others for a while: then it answers for nothing, and somebody should know.
import type { Log } from '../observe/log.ts';
import type { FromPulse } from './link.ts';

/** A restart of the others at once is over by then. */
const patienceMilliseconds = 5000;

export interface MajorityWatch {
  /** To be called about once a second; logs each change once. `now` is milliseconds of any steady clock. */
  look(members: Extract<FromPulse, { type: 'members' }>, now: number): void;
}

export function createMajorityWatch(log: Log): MajorityWatch {
  let lostAt: number | undefined;
  let isTold = false;
  return {
    look({ hasMajority, members, electorate }, now) {
      if (hasMajority) {
        if (isTold) log.info('majority-regained');
        lostAt = undefined;
        isTold = false;
        return;
      }
      lostAt ??= now;
      if (isTold || now - lostAt < patienceMilliseconds) return;
      isTold = true;
      const unheard = members.filter(({ state }) => state !== 'alive').map(({ name }) => name);
      log.warn('no-majority', {
        electorate: electorate.map((names) => names.join(', ')).join(' and '),
        unheard: unheard.join(', '),
        next: 'This node answers for no address until it hears a majority: start Gantry on those nodes, let its heartbeats (UDP) through, or take nodes that run no Gantry off the list.',
      });
    },
  };
}
