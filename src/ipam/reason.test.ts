// Every reason is told in a sentence that names the object and the value, and ends with what to do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleAddress } from '../model/sample.ts';
import { portKey } from './port-key.ts';
import { type AllocationReason, allocationSentence, type PoolRefusal } from './reason.ts';
import { samplePort } from './sample.ts';

const address = sampleAddress('192.0.2.7');
const refusal: PoolRefusal = { kind: 'namespace-not-allowed', namespace: 'shop' };
const refused = [{ pool: 'public', refusal }];

/** One of each, with what its sentence must name. */
const samples: readonly [AllocationReason, ...string[]][] = [
  [{ kind: 'not-load-balancer', type: 'NodePort' }, 'NodePort'],
  [{ kind: 'other-class', loadBalancerClass: 'x/y', configured: undefined }, 'x/y'],
  [{ kind: 'other-class', loadBalancerClass: 'x/y', configured: 'ours' }, 'x/y', 'ours'],
  [{ kind: 'class-required', configured: 'ours' }, 'ours'],
  [{ kind: 'address-in-use', address, by: 'shop/web' }, '192.0.2.7', 'shop/web'],
  [
    { kind: 'sharing-key-mismatch', address, by: 'shop/web', key: 'k', theirKey: 'l' },
    'shop/web',
    '"k"',
    '"l"',
  ],
  [
    { kind: 'sharing-key-mismatch', address, by: 'shop/web', key: 'k', theirKey: undefined },
    'shop/web',
    '"k"',
  ],
  [
    { kind: 'sharing-port-conflict', address, by: 'shop/web', port: portKey(samplePort(53, 'UDP')) },
    'shop/web',
    '53/UDP',
  ],
  [{ kind: 'sharing-policy-conflict', address, by: 'shop/web' }, '192.0.2.7', 'shop/web'],
  [{ kind: 'address-not-in-pools', address }, '192.0.2.7'],
  [{ kind: 'address-not-in-pool', address, pool: 'a', actualPool: 'b' }, '192.0.2.7', 'pool a', 'pool b'],
  [{ kind: 'address-avoided', address, pool: 'public' }, '192.0.2.7', 'public'],
  [{ kind: 'pool-not-for-service', pool: 'public', refusal }, 'public', 'shop'],
  [{ kind: 'family-not-wanted', address }, '192.0.2.7'],
  [
    { kind: 'address-not-asked-for', address, askedFor: sampleAddress('192.0.2.8') },
    '192.0.2.7',
    '192.0.2.8',
  ],
  [{ kind: 'addresses-in-two-pools', address, pool: 'a', actualPool: 'b' }, '192.0.2.7', 'in a', 'pool b'],
  [
    { kind: 'incomplete', address, missing: { kind: 'pool-not-found', pool: 'public' } },
    '192.0.2.7',
    'public',
  ],
  [{ kind: 'invalid-request', problem: 'x: "y" is no address: correct it.' }, '"y" is no address'],
  [{ kind: 'no-pools' }],
  [{ kind: 'pool-not-found', pool: 'public' }, 'public'],
  [{ kind: 'family-not-in-pool', pool: 'public', family: 'IPv6' }, 'public', 'IPv6'],
  [
    { kind: 'pool-exhausted', pool: 'public', family: 'IPv4', size: 254n, strangers: 0 },
    'public',
    '254 IPv4',
  ],
  [{ kind: 'pool-exhausted', pool: 'public', family: 'IPv4', size: 1n, strangers: 0 }, 'public', 'only IPv4'],
  [{ kind: 'pools-exhausted', pools: ['a', 'b'], family: 'IPv6' }, 'a, b', 'IPv6'],
  [{ kind: 'no-eligible-pool', pools: refused }, 'public', 'shop'],
  [{ kind: 'dual-stack-unavailable', pools: refused }, 'public', 'shop'],
  [{ kind: 'address-family-mismatch', address, family: 'IPv6' }, '192.0.2.7', 'IPv6'],
  [{ kind: 'two-addresses-single-stack' }, 'PreferDualStack'],
];

for (const [reason, ...named] of samples) {
  test(`the sentence for ${reason.kind} names ${named.join(', ') || 'what to do'}`, () => {
    const text = allocationSentence(reason);
    assert.match(text, /^(The|There|No) .*\.$/s);
    for (const name of named) assert.ok(text.includes(name), text);
    const advice =
      /(set|start|ask|give|correct|create|change|take|add|use|remove|delete|share)\b[^.;]*\.?[^;]*$/i;
    assert.match(text, advice);
  });
}

test('a refusal by hundreds of pools names ten', () => {
  const pools = Array.from({ length: 300 }, (_, index) => ({ pool: `p${index}`, refusal }));
  const text = allocationSentence({ kind: 'no-eligible-pool', pools });
  assert.match(text, /p9: .*and 290 more/);
  assert.ok(text.length < 1024, 'an event message has at most 1024 characters');
});
