// Addresses, ranges and CIDR blocks: text and bytes there and back, and their edges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  cidrContains,
  cidrRange,
  compareAddresses,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
  rangeSize,
} from './address.ts';

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value): Address => ({ family: 'IPv4', value })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value): Address => ({ family: 'IPv6', value })),
);

test('an address survives its text and its bytes', () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      assert.deepEqual(parseAddress(formatAddress(address)), address);
      assert.deepEqual(addressFromBytes(addressToBytes(address)), address);
    }),
  );
});

test('the text form is canonical', () => {
  const canonical = (text: string): string | undefined => {
    const address = parseAddress(text);
    return address && formatAddress(address);
  };
  assert.equal(canonical('192.0.2.1'), '192.0.2.1');
  assert.equal(canonical('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
  assert.equal(canonical('2001:db8::1:0:0:0:1'), '2001:db8:0:1::1');
  assert.equal(canonical('::'), '::');
});

test('what is not exactly one address is refused', () => {
  for (const text of [
    '',
    '192.0.2',
    '192.0.2.256',
    '192.0.02.1',
    ' 192.0.2.1',
    '192.0.2.1/32',
    'fe80::1%eth0',
    '2001:db8:::1',
    'x',
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test('a CIDR block loses its host bits and tolerates white space around it', () => {
  const cidr = parseCidr(' 192.0.2.7/24 ');
  assert.ok(cidr);
  assert.equal(formatCidr(cidr), '192.0.2.0/24');
  assert.equal(formatAddress(cidrRange(cidr).last), '192.0.2.255');
  for (const text of ['192.0.2.0/33', '192.0.2.0', '2001:db8::/129', '192.0.2.0/-1', '/24', '192.0.2.0/']) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test('a CIDR block contains exactly its range', () => {
  fc.assert(
    fc.property(anyAddress, anyAddress, fc.nat(128), (base, address, length) => {
      const prefixLength = Math.min(length, base.family === 'IPv4' ? 32 : 128);
      const cidr = parseCidr(`${formatAddress(base)}/${prefixLength}`);
      assert.ok(cidr);
      const { first, last } = cidrRange(cidr);
      const inside = compareAddresses(first, address) <= 0 && compareAddresses(address, last) <= 0;
      assert.equal(cidrContains(cidr, address), inside);
      assert.ok(cidrContains(cidr, base));
    }),
  );
});

test('a /64 has its size without being enumerated', () => {
  const cidr = parseCidr('2001:db8::/64');
  assert.ok(cidr);
  assert.equal(rangeSize(cidrRange(cidr)), 2n ** 64n);
});

test('an IPv6 address with an IPv4 tail is the number that it spells', () => {
  assert.equal(parseAddress('2001:db8::192.0.2.1')?.value, 0x2001_0db8_0000_0000_0000_0000_c000_0201n);
  assert.equal(parseAddress('::ffff:192.0.2.1')?.value, 0xffff_c000_0201n);
  assert.equal(parseAddress('::192.0.2.1')?.value, 0xc000_0201n);
});
