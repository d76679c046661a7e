// BGP messages as bytes: the layouts of RFC 4271 §4, the header's checks, framing, and round trips.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../model/address.ts';
import { keepalive, type Message, readMessage, writeMessage } from './message.ts';
import { readOpen } from './open.ts';
import { anyMessage, sampleContext, sampleOpen } from './sample-messages.ts';
import { frames, newStream } from './stream.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const marker = 'ff'.repeat(16);
const message = (text: string): Uint8Array => Buffer.from(marker + text, 'hex');
const address = (text: string) => {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
};

test('every message is read as it was written', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      assert.deepEqual(readMessage(writeMessage(message), sampleContext), message);
    }),
    { numRuns: 500 },
  );
});

test('each kind has the layout of RFC 4271 §4', () => {
  const cases: readonly (readonly [Message, string])[] = [
    [keepalive, '001304'],
    [{ kind: 'notification', code: 6, subcode: 2, data: new Uint8Array(0) }, '0015030602'],
    [{ kind: 'route-refresh', afi: 2, subtype: 1, safi: 1 }, '00170500020101'],
    [
      sampleOpen({
        asn: 4200000000,
        capabilities: [
          { kind: 'multiprotocol', afi: 2, safi: 1 },
          { kind: 'four-byte-as', asn: 4200000000 },
        ],
      }),
      '002b01' + '04' + '5ba0' + '005a' + 'c0000202' + '0e' + '020c' + '010400020001' + '4104fa56ea00',
    ],
    [
      {
        kind: 'update',
        withdrawn: [{ address: address('198.51.100.0'), prefixLength: 24, pathId: undefined }],
        unreach: undefined,
        attributes: [
          { kind: 'origin', origin: 'igp' },
          { kind: 'as-path', segments: [{ kind: 'sequence', asns: [64500] }] },
          { kind: 'next-hop', address: address('192.0.2.1') },
          { kind: 'local-preference', value: 100 },
        ],
        reach: undefined,
        announced: [{ address: address('203.0.113.7'), prefixLength: 32, pathId: undefined }],
        faults: [],
      },
      '003b02' +
        '0004' +
        '18c63364' +
        '001b' +
        '40010100' +
        '4002060201' +
        '0000fbf4' +
        '400304c0000201' +
        '40050400000064' +
        '20cb007107',
    ],
  ];
  for (const [value, text] of cases) {
    assert.equal(hex(writeMessage(value)), marker + text);
    assert.deepEqual(readMessage(message(text), sampleContext), value);
  }
});

test('the header is checked as RFC 4271 §6.1 says', () => {
  const cases: readonly (readonly [string, Uint8Array, number, string])[] = [
    ['marker', Buffer.from(`00${'ff'.repeat(15)}001304`, 'hex'), 1, ''],
    ['too short', message('001204'), 2, '0012'],
    ['KEEPALIVE with a body', message('00140400'), 2, '0014'],
    ['OPEN of less than 29 bytes', message('001c01'), 2, '001c'],
    ['long OPEN though extended (RFC 8654 §4)', message('100101'), 2, '1001'],
    ['type', message('001309'), 3, '09'],
  ];
  for (const [name, bytes, subcode, data] of cases) {
    const read = readMessage(bytes, sampleContext);
    assert.ok('error' in read, name);
    assert.deepEqual([read.error.code, read.error.subcode, hex(read.error.data)], [1, subcode, data], name);
  }
});

test('an OPEN is refused by the subcodes of RFC 4271 §6.2', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ['version', '03fbf4005ac000020200', 1],
    ['AS 0', '040000005ac000020200', 2],
    ['AS_TRANS without the capability', '045ba0005ac000020200', 2],
    ['identifier 0', '04fbf4005a0000000000', 3],
    ['parameter that is not capabilities', '04fbf4005ac0000202020100', 4],
    ['hold time of 2 s', '04fbf40002c000020200', 6],
    ['parameters longer than the message', '04fbf4005ac00002020402', 0],
    ['capability longer than its parameter', '04fbf4005ac00002020402024104', 0],
  ];
  for (const [name, body, subcode] of cases) {
    const read = readOpen(Buffer.from(body, 'hex'));
    assert.ok('error' in read, name);
    assert.deepEqual([read.error.code, read.error.subcode], [2, subcode], name);
  }
});

test('capabilities in many parameters, and in long ones (RFC 9072), are read alike', () => {
  const two = '04fbf4005ac0000202' + '08' + '02020200' + '02024600';
  const long = '04fbf4005ac0000202' + 'ffff' + '000a' + '02000202' + '00' + '0200024600';
  const [short, extended] = [two, long].map((body) => readOpen(Buffer.from(body, 'hex')));
  assert.ok(short && 'capabilities' in short);
  assert.deepEqual(short.capabilities, [{ kind: 'route-refresh' }, { kind: 'enhanced-route-refresh' }]);
  assert.deepEqual(extended, short);
  const value = new Uint8Array(200).fill(7);
  const many = sampleOpen({
    capabilities: [
      { kind: 'unknown', code: 200, value },
      { kind: 'unknown', code: 201, value },
    ],
  });
  assert.deepEqual(readMessage(writeMessage(many), sampleContext), many);
});

test('a ROUTE-REFRESH of a wrong length is answered with itself, unless its subtype is unknown (RFC 7313 §5)', () => {
  const wrong = message('001805000200' + '0100');
  const read = readMessage(wrong, sampleContext);
  assert.ok('error' in read);
  assert.deepEqual([read.error.code, read.error.subcode, hex(read.error.data)], [7, 1, hex(wrong)]);
  assert.ok(!('error' in readMessage(message('001805000209' + '0100'), sampleContext)));
});

test('a stream cut anywhere gives the same messages', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 5 }), fc.array(fc.nat(400)), (messages, cuts) => {
      const whole = Buffer.concat(messages.map((one) => writeMessage(one)));
      const stream = newStream();
      const read: unknown[] = [];
      let at = 0;
      for (const length of [...cuts, whole.length]) {
        for (const frame of frames(stream, whole.subarray(at, at + length), () => true))
          read.push('bytes' in frame ? readMessage(frame.bytes, sampleContext) : frame);
        at += length;
      }
      assert.deepEqual(read, messages);
      assert.equal(stream.pending.length, 0);
    }),
  );
});

test('a stream is refused at the first header that is none, and its messages before that are whole', () => {
  const bytes = Buffer.concat([writeMessage(keepalive), message('ffff02')]);
  const found = [...frames(newStream(), bytes, () => false)];
  assert.equal(found.length, 2);
  assert.ok(found[0] && 'bytes' in found[0]);
  assert.ok(found[1] && 'error' in found[1]);
});
