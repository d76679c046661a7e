// Netlink bytes: what the writer writes, the readers read back; cut or wild bytes are read without a throw.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  attributeMap,
  MessageWriter,
  NLM_F_REQUEST,
  readAttributes,
  readMessages,
  readString,
  readUnsigned,
  readUnsignedBe,
} from './netlink-message.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const attributes = fc.array(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), bytes), { maxLength: 20 });

test('messages and their attributes are read back in order, however small the buffer began', () => {
  fc.assert(
    fc.property(
      fc.array(attributes, { maxLength: 5 }),
      fc.integer({ min: 1, max: 64 }),
      (messages, capacity) => {
        const writer = new MessageWriter(capacity);
        for (const [index, wanted] of messages.entries()) {
          writer.begin(7, NLM_F_REQUEST, index);
          writer.raw(Uint8Array.of(1, 2, 3, 4));
          for (const [type, payload] of wanted) writer.attribute(type, payload);
          writer.end();
        }
        const read = [...readMessages(writer.bytes)];
        assert.deepEqual(
          read.map(({ type, flags, sequence }) => ({ type, flags, sequence })),
          messages.map((_, sequence) => ({ type: 7, flags: NLM_F_REQUEST, sequence })),
        );
        assert.deepEqual(
          read.map(({ payload }) =>
            [...readAttributes(payload, 4)].map(([type, value]) => [type, [...value]]),
          ),
          messages.map((wanted) => wanted.map(([type, value]) => [type, [...value]])),
        );
      },
    ),
  );
});

test('nested attributes, numbers in both orders and text are read back', () => {
  const writer = new MessageWriter(8);
  writer.begin(1, 0, 1);
  const outer = writer.beginNest(1);
  const inner = writer.beginNest(2);
  writer.u8(1, 0xfe);
  writer.u16(2, 0x1234);
  writer.u16be(3, 0x1234);
  writer.u32(4, 0xdeadbeef);
  writer.u32be(5, 0xdeadbeef);
  writer.endNest(inner);
  writer.endNest(outer);
  writer.string(2, 'eth0');
  writer.flag(3);
  writer.u64be(4, 0x0102030405060708n);
  writer.end();
  const [message] = readMessages(writer.bytes);
  const found = attributeMap(message?.payload ?? new Uint8Array());
  const nested = attributeMap(attributeMap(found.get(1) ?? new Uint8Array()).get(2) ?? new Uint8Array());
  assert.equal(readUnsigned(nested.get(1)), 0xfe);
  assert.equal(readUnsigned(nested.get(2)), 0x1234);
  assert.equal(readUnsignedBe(nested.get(3)), 0x1234);
  assert.deepEqual([...(nested.get(3) ?? [])], [0x12, 0x34]);
  assert.equal(readUnsigned(nested.get(4)), 0xdeadbeef);
  assert.equal(readUnsignedBe(nested.get(5)), 0xdeadbeef);
  assert.equal(readString(found.get(2)), 'eth0');
  assert.equal(found.get(3)?.length, 0);
  assert.deepEqual([...(found.get(4) ?? [])], [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a reused buffer leaves nothing of what was there in the padding', () => {
  const writer = new MessageWriter();
  writer.begin(1, 0, 1);
  writer.attribute(1, new Uint8Array(32).fill(0xff));
  writer.end();
  writer.reset();
  writer.begin(1, 0, 1);
  writer.attribute(1, Uint8Array.of(1));
  writer.end();
  assert.deepEqual([...writer.bytes.subarray(16)], [5, 0, 1, 0, 1, 0, 0, 0]);
});

test('wild bytes are read to where they make no sense', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(40), (wild, offset) => {
      for (const { payload } of readMessages(wild))
        for (const [, value] of readAttributes(payload)) value.at(0);
      for (const [, value] of readAttributes(wild, offset)) value.at(0);
      assert.ok(readString(wild).length <= wild.length);
    }),
  );
});
