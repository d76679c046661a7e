// Tests of how a chain is printed.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { WriteStream } from 'node:tty';
import type { Chain } from './chain.ts';
import { chainAsJson, renderChain } from './render.ts';
import { judged, ok } from './step.ts';

/** Not a terminal. */
const plain = new PassThrough();

const good: Chain = {
  service: 'web/a',
  addresses: ['192.0.2.1', '2001:db8::1'],
  owners: ['node-1'],
  steps: [ok('address', 'It has 192.0.2.1.'), ok('owner', 'Answered for by node-1 on eth0.')],
};
const warned: Chain = {
  ...good,
  steps: [
    ...good.steps,
    judged('host', 'warning', { kind: 'strict-rp-filter' }, 'Strict on eth0.', ['more']),
  ],
};
const broken: Chain = {
  ...good,
  owners: [],
  steps: [...warned.steps, judged('owner', 'wrong', { kind: 'nobody-answers' }, 'Nobody answers.')],
};

test('the headline tells that it works, that it works but, or what is wrong', () => {
  const headline = (chain: Chain): string | undefined => renderChain(chain, plain).split('\n')[0];
  assert.equal(headline(good), '✓ web/a answers on 192.0.2.1 and 2001:db8::1 at node-1.');
  assert.equal(
    headline(warned),
    '! web/a answers on 192.0.2.1 and 2001:db8::1 at node-1, but: Strict on eth0.',
  );
  assert.equal(headline(broken), '✗ web/a: Nobody answers.');
});

test('every step has its line and mark, with details below', () => {
  assert.deepEqual(renderChain(warned, plain).split('\n').slice(1), [
    '',
    '  ✓ address       It has 192.0.2.1.',
    '  ✓ owner         Answered for by node-1 on eth0.',
    '  ! host          Strict on eth0.',
    '                    more',
    '',
  ]);
});

test('the JSON has the first problem and every step with its kind', () => {
  assert.deepEqual(JSON.parse(chainAsJson(good)).problem, null);
  const json = JSON.parse(chainAsJson(broken));
  assert.equal(json.ok, false);
  assert.deepEqual(json.problem, { step: 'owner', kind: 'nobody-answers', message: 'Nobody answers.' });
  assert.deepEqual(json.steps[2], {
    step: 'host',
    verdict: 'warning',
    kind: 'strict-rp-filter',
    message: 'Strict on eth0.',
    details: ['more'],
  });
});

test('a terminal gets colours, unless NO_COLOR is set', () => {
  const terminal = (environment: object) =>
    Object.assign(new PassThrough(), {
      isTTY: true,
      getColorDepth: () => WriteStream.prototype.getColorDepth(environment),
    });
  const isColoured = (environment: object): boolean =>
    renderChain(good, terminal(environment)).includes('\u001b[');
  assert.equal(isColoured({ TERM: 'xterm' }), true);
  assert.equal(isColoured({ TERM: 'xterm', NO_COLOR: '1' }), false);
});
