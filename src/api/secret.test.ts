// Secrets: where the password is read from, and that no problem shows one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSecret } from './secret.ts';

const secret = (more: object) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'tor', namespace: 'gantry-system' },
  type: 'kubernetes.io/basic-auth',
  ...more,
});
const password = (more: object): string | undefined => parseSecret(secret(more)).object?.password;

test('the password is read from data in base64, and from stringData, which wins', () => {
  assert.equal(password({ data: { password: 'aHVudGVyMg==' } }), 'hunter2');
  assert.equal(password({ stringData: { password: 'plain' } }), 'plain');
  assert.equal(password({ data: { password: 'aHVudGVyMg==' }, stringData: { password: 'plain' } }), 'plain');
});

test('a Secret of another type is there, and nothing of it is read', () => {
  for (const type of ['Opaque', 'kubernetes.io/tls', undefined]) {
    const { object, problems } = parseSecret(secret({ type, data: { password: 'aHVudGVyMg==' } }));
    assert.deepEqual(problems, []);
    assert.equal(object?.password, undefined);
    assert.equal(object?.type, type ?? 'Opaque');
  }
});

test('without a password there is an object without one', () => {
  for (const more of [{}, { data: {} }, { stringData: { username: 'x' } }, { data: { password: '' } }]) {
    assert.deepEqual(parseSecret(secret(more)).problems, []);
    assert.equal(password(more), undefined);
  }
});

test('what is no password is refused, and not shown', () => {
  const wrong = [
    { stringData: { password: 12345 } },
    { data: { password: 'no base64!' } },
    { data: { password: '/w==' } },
    { data: { password: ['hunter2'] } },
  ];
  for (const more of wrong) {
    const { object, problems } = parseSecret(secret(more));
    assert.equal(object, undefined);
    assert.equal(problems[0]?.severity, 'error');
    assert.equal(problems[0]?.path.at(-1), 'password');
    assert.equal(problems[0]?.value, undefined);
  }
});
