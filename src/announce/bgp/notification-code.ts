// What a NOTIFICATION says, as the wire numbers it and as a person reads it: RFC 4271 §4.5 and those that added to it.

export const errorCode = {
  header: 1,
  open: 2,
  update: 3,
  holdTimerExpired: 4,
  finiteStateMachine: 5,
  cease: 6,
  routeRefresh: 7,
  sendHoldTimerExpired: 8,
} as const;

export const headerError = { notSynchronized: 1, badLength: 2, badType: 3 } as const;

/** 7 is RFC 5492's, 11 RFC 9234's. */
export const openError = {
  unspecific: 0,
  version: 1,
  peerAs: 2,
  identifier: 3,
  optionalParameter: 4,
  holdTime: 6,
  capability: 7,
  roleMismatch: 11,
} as const;

export const updateError = {
  malformedAttributes: 1,
  optionalAttribute: 9,
  networkField: 10,
} as const;

/** RFC 6608: in which state a message came that has no place there. */
export const stateError = { openSent: 1, openConfirm: 2, established: 3 } as const;

/** RFC 4486, 8538 (9) and 9384 (10). */
export const cease = {
  maximumPrefixes: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  configurationChange: 6,
  collision: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

interface Words {
  readonly name: string;
  readonly subcodes: Readonly<Record<number, string>>;
}

const words: Readonly<Record<number, Words>> = {
  1: {
    name: 'message header error',
    subcodes: { 1: 'connection not synchronized', 2: 'bad message length', 3: 'bad message type' },
  },
  2: {
    name: 'OPEN message error',
    subcodes: {
      1: 'unsupported version number',
      2: 'bad peer AS',
      3: 'bad BGP identifier',
      4: 'unsupported optional parameter',
      5: 'authentication failure',
      6: 'unacceptable hold time',
      7: 'unsupported capability',
      11: 'role mismatch',
    },
  },
  3: {
    name: 'UPDATE message error',
    subcodes: {
      1: 'malformed attribute list',
      2: 'unrecognized well-known attribute',
      3: 'missing well-known attribute',
      4: 'attribute flags error',
      5: 'attribute length error',
      6: 'invalid ORIGIN attribute',
      7: 'AS routing loop',
      8: 'invalid NEXT_HOP attribute',
      9: 'optional attribute error',
      10: 'invalid network field',
      11: 'malformed AS_PATH',
    },
  },
  4: { name: 'hold timer expired', subcodes: {} },
  5: {
    name: 'finite state machine error',
    subcodes: {
      1: 'unexpected message in OpenSent',
      2: 'unexpected message in OpenConfirm',
      3: 'unexpected message in Established',
    },
  },
  6: {
    name: 'cease',
    subcodes: {
      1: 'maximum number of prefixes reached',
      2: 'administrative shutdown',
      3: 'peer deconfigured',
      4: 'administrative reset',
      5: 'connection rejected',
      6: 'other configuration change',
      7: 'connection collision resolution',
      8: 'out of resources',
      9: 'hard reset',
      10: 'BFD down',
    },
  },
  7: { name: 'ROUTE-REFRESH message error', subcodes: { 1: 'invalid message length' } },
  8: { name: 'send hold timer expired', subcodes: {} },
};

/** As `OPEN message error: bad peer AS`; numbers that nobody assigned are given as such. */
export function errorText(code: number, subcode: number): string {
  const known = words[code];
  if (known === undefined) return `error ${code}, subcode ${subcode}`;
  if (subcode === 0) return known.name;
  return `${known.name}: ${known.subcodes[subcode] ?? `subcode ${subcode}`}`;
}
