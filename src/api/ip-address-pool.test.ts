// IPAddressPools: every way to write addresses, and every way to write them wrongly.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRange, rangeSize } from '../model/address.ts';
import { formatPath } from './field-problem.ts';
import { parseIpAddressPool } from './ip-address-pool.ts';

const raw = (spec: unknown) => ({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'IPAddressPool',
  metadata: { name: 'public' },
  spec,
});

function accepted(spec: unknown) {
  const { object, problems } = parseIpAddressPool(raw(spec));
  assert.ok(object, JSON.stringify(problems));
  return object;
}

const rangesOf = (...addresses: string[]) => accepted({ addresses }).ranges.map(formatRange);

test('blocks and ranges of both families are taken in order, white space tolerated', () => {
  const ranges = rangesOf(
    '192.0.2.0/28',
    ' 198.51.100.7 - 198.51.100.9',
    '2001:db8::/126',
    '2001:db8:1::1-2001:db8:1::2',
  );
  assert.deepEqual(ranges, [
    '192.0.2.0-192.0.2.15',
    '198.51.100.7-198.51.100.9',
    '2001:db8::-2001:db8::3',
    '2001:db8:1::1-2001:db8:1::2',
  ]);
});

test('a /15 and a /32 of IPv6 are values, not lists', () => {
  const [four, six] = accepted({ addresses: ['198.18.0.0/15', '2001:db8::/32'] }).ranges;
  assert.equal(four && rangeSize(four), 1n << 17n);
  assert.equal(six && rangeSize(six), 1n << 96n);
});

test('the rest of a pool has the defaults of the reference', () => {
  const pool = accepted({ addresses: ['192.0.2.0/28'] });
  assert.equal(pool.autoAssign, true);
  assert.equal(pool.avoidBuggyIPs, false);
  assert.equal(pool.serviceAllocation, undefined);
});

test('who may have the addresses is read whole', () => {
  const serviceAllocation = {
    priority: 10,
    namespaces: ['shop'],
    namespaceSelectors: [{ matchLabels: { team: 'a' } }],
    serviceSelectors: [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }] }],
  };
  const pool = accepted({
    addresses: ['192.0.2.0/28'],
    autoAssign: false,
    avoidBuggyIPs: true,
    serviceAllocation,
  });
  assert.equal(pool.autoAssign, false);
  assert.deepEqual(pool.serviceAllocation, {
    priority: 10,
    namespaces: ['shop'],
    namespaceSelectors: [{ matchLabels: { team: 'a' }, matchExpressions: [] }],
    serviceSelectors: [
      { matchLabels: {}, matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }] },
    ],
  });
});

test('one bad entry sets the pool aside, and is named with its value and its rule', () => {
  const wrong: [string, RegExp][] = [
    ['198.51.100.9-198.51.100.1', /reversed/],
    ['198.51.100.1-2001:db8::1', /one family/],
    ['0.0.0.0/0', /every address/],
    ['::/0', /every address/],
    ['198.51.100.1', /198\.51\.100\.1\/32/],
    ['198.51.100.0/33', /CIDR block or FIRST-LAST/],
    ['198.51.100.1-', /CIDR block or FIRST-LAST/],
    ['198.51.100.1-198.51.100.2-198.51.100.3', /CIDR block or FIRST-LAST/],
    ['fe80::1%eth0/128', /CIDR block or FIRST-LAST/],
    ['; flush ruleset', /CIDR block or FIRST-LAST/],
    ['192.0.2.8/29', /overlaps 192\.0\.2\.0-192\.0\.2\.15 of the same pool/],
    ['127.0.0.0/24', /loopback/],
    ['224.0.0.0/24', /multicast/],
    ['ff00::/8', /multicast/],
    ['::1/128', /loopback/],
    ['::ffff:192.0.2.1/128', /IPv4-mapped/],
  ];
  for (const [text, rule] of wrong) {
    const { object, problems } = parseIpAddressPool(raw({ addresses: ['192.0.2.0/28', text] }));
    assert.equal(object, undefined, text);
    assert.deepEqual(
      problems.map(({ path, value }) => [formatPath(path), value]),
      [['spec.addresses[1]', text]],
    );
    assert.match(problems[0]?.rule ?? '', rule);
  }
});

test('host bits are cleared with a warning', () => {
  const { object, problems } = parseIpAddressPool(raw({ addresses: ['192.0.2.7/28'] }));
  assert.deepEqual(object?.ranges.map(formatRange), ['192.0.2.0-192.0.2.15']);
  assert.deepEqual(
    problems.map(({ severity }) => severity),
    ['warning'],
  );
});

test('a pool without addresses, or with a wrong type anywhere, is refused', () => {
  const fieldOf = (spec: unknown) =>
    parseIpAddressPool(raw(spec)).problems.map(({ path }) => formatPath(path));
  assert.deepEqual(fieldOf({}), ['spec.addresses']);
  assert.deepEqual(fieldOf({ addresses: [] }), ['spec.addresses']);
  assert.deepEqual(fieldOf(undefined), ['spec']);
  assert.deepEqual(fieldOf({ addresses: '192.0.2.0/24' }), ['spec.addresses']);
  assert.deepEqual(fieldOf({ addresses: ['192.0.2.0/24'], autoAssign: 'yes' }), ['spec.autoAssign']);
  const priority = { addresses: ['192.0.2.0/24'], serviceAllocation: { priority: -1 } };
  assert.deepEqual(fieldOf(priority), ['spec.serviceAllocation.priority']);
  const exists = [{ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] }];
  assert.deepEqual(
    fieldOf({ addresses: ['192.0.2.0/24'], serviceAllocation: { namespaceSelectors: exists } }),
    ['spec.serviceAllocation.namespaceSelectors[0].matchExpressions[0].values'],
  );
});
