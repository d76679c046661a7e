// What servers say when they refuse, and what is made of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiSentence } from './reason.ts';
import { reasonOfStatus } from './status-object.ts';

test('each code is a kind of its own, as far as a caller acts on it', () => {
  const kinds = [401, 403, 404, 409, 410, 400, 422, 429, 500, 503, 504, 405, 415].map(
    (code) => reasonOfStatus('GET x', code, {}).kind,
  );
  assert.deepEqual(
    kinds.join(' '),
    'unauthorized forbidden not-found conflict expired invalid invalid busy server-error server-error server-error rejected rejected',
  );
  assert.equal(reasonOfStatus('', 409, { reason: 'AlreadyExists' }).kind, 'already-exists');
  assert.equal(reasonOfStatus('', 200, { code: 410, reason: 'Expired' }).kind, 'expired');
  const tooLarge = { code: 504, details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } };
  assert.equal(reasonOfStatus('', 504, tooLarge).kind, 'version-too-large');
});

test('the fields that the server names are told, each once', () => {
  const causes = [
    { reason: 'FieldValueInvalid', field: 'spec.ports[0].port', message: 'Invalid value: 0' },
    { reason: 'FieldValueRequired', field: 'spec.type', message: 'Required value' },
  ];
  const message = 'Service "a" is invalid: spec.ports[0].port: Invalid value: 0';
  const reason = reasonOfStatus('POST x', 422, { message, details: { causes } });
  assert.ok(reason.kind === 'invalid');
  assert.deepEqual(reason.causes[1], causes[1]);
  assert.equal(apiSentence(reason), `POST x: ${message} (spec.type: Required value); mend the named fields.`);
});

test('what is no Status is told as it is, and not at any length', () => {
  const reason = reasonOfStatus('GET x', 502, `Bad Gateway ${'x'.repeat(5000)}`, '5');
  assert.ok(reason.kind === 'server-error');
  assert.match(reason.message, /^Bad Gateway x/);
  assert.ok(reason.message.length < 1100);
  assert.equal(reason.retryAfterSeconds, 5);
  assert.match(apiSentence(reasonOfStatus('GET x', 500, null)), /HTTP 500/);
});
