// ConversionReviews: every object comes back in the version asked for, or none does and the reason is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configured } from '../rejections/rejection.ts';
import { answerConversion } from './conversion.ts';

const session = { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' };

const review = (desiredAPIVersion: unknown, objects: unknown) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'ConversionReview',
  request: { uid: 'u', desiredAPIVersion, objects },
});

test('a list of mixed versions comes back in one, in order', () => {
  const objects = [
    configured('BGPPeer', 'a', { ...session, vrf: 'red' }, 'v1beta2'),
    configured('BGPPeer', 'b', session, 'v1beta1'),
  ];
  const answer = answerConversion(review('metallb.io/v1beta1', objects));
  assert.ok('response' in answer);
  const { uid, result, convertedObjects } = answer.response;
  assert.equal(uid, 'u');
  assert.deepEqual(result, { status: 'Success' });
  assert.ok(Array.isArray(convertedObjects));
  assert.deepEqual(
    convertedObjects.map(({ apiVersion, metadata }) => [apiVersion, metadata.name]),
    [
      ['metallb.io/v1beta1', 'a'],
      ['metallb.io/v1beta1', 'b'],
    ],
  );
  assert.deepEqual(convertedObjects[1], objects[1]);
});

test('what cannot be converted fails as a whole, and says why', () => {
  const peer = configured('BGPPeer', 'a', session);
  for (const [body, message] of [
    [review('metallb.io/v1', [peer]), /no version metallb\.io\/v1 to convert to/],
    [review('metallb.io/v1beta1', [peer, { ...peer, apiVersion: 'metallb.io/v1' }]), /to convert from/],
    [review('metallb.io/v1beta1', [peer, { ...peer, kind: 'Community' }]), /Only BGPPeers/],
    [review('metallb.io/v1beta1', [7]), /Only BGPPeers/],
    [review('metallb.io/v1beta1', undefined), /no objects/],
  ] as const) {
    const answer = answerConversion(body);
    assert.ok('response' in answer);
    assert.deepEqual(answer.response['convertedObjects'], []);
    assert.match(JSON.stringify(answer.response['result']), message);
    assert.match(JSON.stringify(answer.response['result']), /"Failure"/);
  }
});

test('what is no ConversionReview is a fault, and nothing throws', () => {
  for (const body of [
    undefined,
    7,
    {},
    { ...review('a', []), request: {} },
    { ...review('a', []), kind: 'AdmissionReview' },
  ])
    assert.ok('fault' in answerConversion(body));
  fc.assert(
    fc.property(fc.jsonValue(), (objects) => {
      answerConversion(review('metallb.io/v1beta2', [objects]));
      answerConversion(review('metallb.io/v1beta2', objects));
    }),
  );
});
