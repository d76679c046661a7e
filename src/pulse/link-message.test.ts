// What an agent says: each message as it is, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ToPulse } from './link.ts';
import { readToPulse } from './link-message.ts';

const messages: ToPulse[] = [
  {
    type: 'configure',
    node: 'a',
    members: [{ name: 'a', addresses: ['192.0.2.11', '2001:db8::11'] }],
    keyFile: '/key',
  },
  {
    type: 'announce',
    replace: true,
    upserts: [{ address: '192.0.2.200', candidates: [{ node: 'a', interfaces: ['eth0'] }] }],
    removals: ['192.0.2.201'],
    isPartial: true,
  },
  { type: 'bgp-routes', count: 3 },
  { type: 'stop' },
];

test('each message is read as it was written', () => {
  for (const message of messages) assert.deepEqual(readToPulse({ ...message, later: 1 }), message);
  const { isPartial: _, ...whole } = messages[1] as Extract<ToPulse, { type: 'announce' }>;
  assert.deepEqual(readToPulse(whole), { ...whole, isPartial: false });
});

test('a message with one field of another shape is none', () => {
  const wrong = fc.constantFrom<unknown>(undefined, null, 7, 'text', [null], [{}], [{ name: 'a' }], {});
  const fields = messages.flatMap((message) =>
    Object.keys(message).flatMap((field) => (field === 'type' ? [] : [[message, field] as const])),
  );
  fc.assert(
    fc.property(fc.constantFrom(...fields), wrong, ([message, field], value) => {
      const isText = field === 'node' || field === 'keyFile';
      fc.pre(!(field === 'count' && value === 7));
      fc.pre(!(isText && typeof value === 'string') && !(field === 'isPartial' && value === undefined));
      assert.equal(readToPulse({ ...message, [field]: value }), undefined, field);
    }),
  );
  assert.equal(readToPulse({ type: 'dance' }), undefined);
  assert.equal(readToPulse([]), undefined);
});
