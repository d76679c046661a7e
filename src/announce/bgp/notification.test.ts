// NOTIFICATIONs in words, with the shutdown communication of RFC 9003 and the Hard Reset of RFC 8538.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hardReset,
  notification,
  notificationText,
  shutdownCommunication,
  shutdownNotification,
  wrappedNotification,
} from './notification.ts';

test('codes and subcodes are told in words, and those that nobody assigned as numbers', () => {
  const cases: readonly (readonly [number, number, string])[] = [
    [1, 2, 'message header error: bad message length'],
    [2, 2, 'OPEN message error: bad peer AS'],
    [2, 11, 'OPEN message error: role mismatch'],
    [3, 11, 'UPDATE message error: malformed AS_PATH'],
    [4, 0, 'hold timer expired'],
    [5, 1, 'finite state machine error: unexpected message in OpenSent'],
    [6, 8, 'cease: out of resources'],
    [6, 10, 'cease: BFD down'],
    [7, 1, 'ROUTE-REFRESH message error: invalid message length'],
    [8, 0, 'send hold timer expired'],
    [2, 99, 'OPEN message error: subcode 99'],
    [77, 1, 'error 77, subcode 1'],
  ];
  for (const [code, subcode, text] of cases)
    assert.equal(notificationText(notification(code, subcode)), text);
});

test('a shutdown carries words, cut between characters to 255 bytes', () => {
  const short = shutdownNotification(2, 'maintenance until 14:00');
  assert.equal(short.data[0], 23);
  assert.equal(shutdownCommunication(short), 'maintenance until 14:00');
  assert.equal(notificationText(short), 'cease: administrative shutdown: “maintenance until 14:00”');
  const long = shutdownCommunication(shutdownNotification(4, 'ä'.repeat(200)));
  assert.equal(long, 'ä'.repeat(127));
  assert.equal(shutdownNotification(2, '').data.length, 0);
});

test('words that are none are not shown', () => {
  for (const data of [[], [5, 0x61], [1, 0xff], [0, 0x61]])
    assert.equal(shutdownCommunication(notification(6, 2, Uint8Array.from(data))), undefined);
  assert.equal(shutdownCommunication(notification(6, 3, Uint8Array.of(1, 0x61))), undefined);
  assert.equal(
    notificationText(shutdownNotification(2, 'a\nb\u001b[2J')),
    'cease: administrative shutdown: “a b [2J”',
  );
});

test('a Hard Reset wraps the notification that it is for', () => {
  const inner = shutdownNotification(2, 'gone');
  const outer = hardReset(inner);
  assert.deepEqual([outer.code, outer.subcode, outer.data[0], outer.data[1]], [6, 9, 6, 2]);
  assert.deepEqual(wrappedNotification(outer), inner);
  assert.equal(notificationText(outer), 'hard reset: cease: administrative shutdown: “gone”');
  assert.equal(wrappedNotification(notification(6, 9)), undefined);
  assert.equal(notificationText(notification(6, 9)), 'cease: hard reset');
});
