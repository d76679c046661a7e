// For tests: BFDProfiles and Communities that must be refused.
import { configured, type Rejection } from './rejection.ts';

const bounds: Readonly<Record<string, readonly [least: number, most: number]>> = {
  receiveInterval: [10, 60_000],
  transmitInterval: [10, 60_000],
  echoInterval: [10, 60_000],
  detectMultiplier: [2, 255],
  minimumTtl: [1, 254],
};

const outOfBounds = Object.entries(bounds).flatMap(([field, [least, most]]) =>
  [least - 1, most + 1].map(
    (value): Rejection => ({
      title: `a BFD profile with ${field} ${value}`,
      object: configured('BFDProfile', 'x', { [field]: value }),
      by: 'schema',
      field: `spec.${field}`,
      value,
      rule: value < least ? new RegExp(`at least ${least}`) : new RegExp(`at most ${most}`),
    }),
  ),
);

const community = (
  title: string,
  communities: readonly object[],
  field: string,
  value: unknown,
  rule: RegExp,
  by: Rejection['by'] = 'schema',
): Rejection => ({
  title,
  object: configured('Community', 'x', { communities }),
  by,
  field: `spec.communities${field}`,
  value,
  rule,
});

const named = (value: string, name = 'a') => ({ name, value });

export const profileRejections: readonly Rejection[] = [
  ...outOfBounds,
  {
    title: 'a BFD profile with a mode that is a text',
    object: configured('BFDProfile', 'x', { echoMode: 'on' }),
    by: 'schema',
    field: 'spec.echoMode',
    value: 'on',
    rule: /true or false/,
  },
  community('a community without a name', [{ value: '1:2' }], '[0].name', undefined, /required/),
  community('a community with an empty name', [named('1:2', '')], '[0].name', '', /at least 1 character/),
  community('a community without a value', [{ name: 'a' }], '[0].value', undefined, /required/),
  community('a community of one number', [named('64512')], '[0].value', '64512', /A:B/),
  community(
    'a large community of two numbers',
    [named('large:1:2')],
    '[0].value',
    'large:1:2',
    /large:A:B:C/,
  ),
  community(
    'a community with a number too large',
    [named('1:65536')],
    '[0].value',
    '1:65536',
    /up to 65535/,
    'webhook',
  ),
  community(
    'a large community with a number too large',
    [named('large:4294967296:1:2')],
    '[0].value',
    'large:4294967296:1:2',
    /up to 4294967295/,
    'webhook',
  ),
  community('a name given twice', [named('1:2'), named('1:3')], '[1].name', 'a', /given twice/, 'webhook'),
  {
    title: 'a name that another Community has',
    object: configured('Community', 'x', { communities: [named('1:2')] }),
    beside: [configured('Community', 'older', { communities: [named('1:3')] })],
    by: 'webhook',
    field: 'spec.communities[0].name',
    value: 'a',
    rule: /The Community older has this name/,
  },
  {
    title: 'a name taken out of a Community while an advertisement uses it',
    object: configured('Community', 'x', { communities: [] }),
    before: configured('Community', 'x', { communities: [named('1:2')] }),
    beside: [configured('BGPAdvertisement', 'all', { communities: ['a'] })],
    by: 'webhook',
    field: 'spec',
    value: { communities: [] },
    rule: /set aside the BGPAdvertisement all, for its spec\.communities\[0\]/,
  },
];
