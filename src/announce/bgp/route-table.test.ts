// Offers merged by prefix: what each audience hears of a change, and that nothing else is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, parseCidr } from '../../model/address.ts';
import { formatCommunity, parseCommunity } from './community.ts';
import type { PathIntent } from './path-set.ts';
import type { Offer } from './plan.ts';
import { createRouteTable } from './route-table.ts';

function offer(prefix: string, more: Partial<Offer> = {}, ...communities: readonly string[]): Offer {
  const cidr = parseCidr(prefix);
  assert.ok(cidr);
  return {
    advertisement: 'all',
    prefix: { ...cidr, pathId: undefined },
    peers: [],
    localPreference: undefined,
    weight: undefined,
    communities: communities.flatMap((text) => parseCommunity(text) ?? []),
    ...more,
  };
}

function bench(...audiences: readonly string[]) {
  const said: string[] = [];
  const intents: (PathIntent | undefined)[] = [];
  const table = createRouteTable((audience, prefix, intent) => {
    intents.push(intent);
    const words =
      intent === undefined
        ? ['gone']
        : [
            intent.localPreference,
            intent.bandwidthBytesPerSecond,
            ...intent.communities.map(formatCommunity),
          ];
    said.push(
      [audience || 'all', formatCidr(prefix), ...words.filter((word) => word !== undefined)].join(' '),
    );
  });
  table.setAudiences(new Set(audiences));
  const heard = (): string[] => said.splice(0);
  return { table, heard, intents };
}

test('an aggregate is there while one of its addresses is', () => {
  const { table, heard } = bench('');
  table.set('198.51.100.1', [offer('198.51.100.0/24')]);
  assert.deepEqual(heard(), ['all 198.51.100.0/24']);
  table.set('198.51.100.2', [offer('198.51.100.0/24')]);
  table.set('198.51.100.1', []);
  assert.ok(!heard().includes('all 198.51.100.0/24 gone'));
  table.set('198.51.100.2', []);
  assert.deepEqual(heard(), ['all 198.51.100.0/24 gone']);
});

test('several advertisements of one prefix give it all their communities and the highest preference', () => {
  const { table, heard } = bench('');
  table.set('198.51.100.1', [
    offer('198.51.100.1/32', { localPreference: 100 }, '64500:1'),
    offer('198.51.100.1/32', { localPreference: 200 }, '64500:1', '64500:2'),
    offer('198.51.100.0/24', {}, 'no-export'),
  ]);
  assert.deepEqual(heard(), ['all 198.51.100.1/32 200 64500:1 64500:2', 'all 198.51.100.0/24 no-export']);
});

test('who is named hears what is for him and for all; others hear nothing of that', () => {
  const { table, heard } = bench('', 'tor');
  table.set('198.51.100.1', [offer('198.51.100.1/32', { peers: ['tor'] }, '64500:1')]);
  assert.deepEqual(heard(), ['all 198.51.100.1/32 gone', 'tor 198.51.100.1/32 64500:1']);
  table.set('198.51.100.1', [
    offer('198.51.100.1/32', { peers: ['tor'] }, '64500:1'),
    offer('198.51.100.1/32', {}, '64500:2'),
  ]);
  assert.deepEqual(heard(), ['all 198.51.100.1/32 64500:2', 'tor 198.51.100.1/32 64500:1 64500:2']);
  table.setAudiences(new Set(['', 'spine']));
  assert.deepEqual(heard(), ['spine 198.51.100.1/32 64500:2', 'tor 198.51.100.1/32 gone']);
});

test('equal intents are one object, so that they are packed together', () => {
  const { table, intents } = bench('');
  table.set('198.51.100.1', [offer('198.51.100.1/32', {}, '64500:1')]);
  table.set('198.51.100.2', [offer('198.51.100.2/32', {}, '64500:1')]);
  table.set('198.51.100.3', [offer('198.51.100.3/32', {}, '64500:2')]);
  assert.equal(intents[0], intents[1]);
  assert.notEqual(intents[0], intents[2]);
});

test('the endpoints of a node weigh its route, but not an aggregate', () => {
  const { table, heard } = bench('');
  table.set('198.51.100.1', [
    offer('198.51.100.1/32', { weight: 3 }),
    offer('198.51.100.0/24', { weight: 3 }),
  ]);
  assert.deepEqual(heard(), ['all 198.51.100.1/32 375000', 'all 198.51.100.0/24']);
});
