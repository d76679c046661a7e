// What an agent says of BFD: as it is, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkBfdSession } from './bfd-link.ts';
import { readToPulse } from './link-message.ts';

const session: LinkBfdSession = {
  peer: 'fe80::1',
  local: '2001:db8::1',
  interface: 'eth0',
  isMultihop: false,
  profile: {
    receiveIntervalMilliseconds: 300,
    transmitIntervalMilliseconds: 300,
    detectMultiplier: 3,
    echoIntervalMilliseconds: 50,
    echoMode: true,
    passiveMode: false,
    minimumTtl: 254,
  },
};

test('the wanted sessions are read as they were written', () => {
  const { local: _, interface: __, ...plain } = session;
  for (const sessions of [[], [session], [plain, session]])
    assert.deepEqual(readToPulse({ type: 'bfd', sessions }), { type: 'bfd', sessions });
});

test('a session with one field of another shape, or out of bounds, makes the message none', () => {
  const { profile } = session;
  const wrong: readonly object[] = [
    { ...session, peer: '192.0.2.256' },
    { ...session, peer: 7 },
    { ...session, local: 'fe80::1%eth0' },
    { ...session, interface: 'a-name-of-sixteen' },
    { ...session, interface: '' },
    { ...session, isMultihop: 'no' },
    { ...session, profile: undefined },
    { ...session, profile: { ...profile, receiveIntervalMilliseconds: 0 } },
    { ...session, profile: { ...profile, transmitIntervalMilliseconds: 60_001 } },
    { ...session, profile: { ...profile, detectMultiplier: 256 } },
    { ...session, profile: { ...profile, detectMultiplier: 2.5 } },
    { ...session, profile: { ...profile, echoIntervalMilliseconds: Number.NaN } },
    { ...session, profile: { ...profile, echoMode: 1 } },
    { ...session, profile: { ...profile, passiveMode: null } },
    { ...session, profile: { ...profile, minimumTtl: 255 } },
  ];
  for (const one of wrong)
    assert.equal(readToPulse({ type: 'bfd', sessions: [session, one] }), undefined, JSON.stringify(one));
  assert.equal(readToPulse({ type: 'bfd' }), undefined);
});
