// AdmissionReviews: what a change breaks is refused with its reason, and nothing else is held up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fullObjects } from '../crd/sample-objects.ts';
import { isRecord, type RawObject } from '../record.ts';
import { configured, ownNamespace } from '../rejections/rejection.ts';
import { decideAdmission, readAdmission } from './admission.ts';
import { contextOf } from './sample-context.ts';

const session = { myASN: 64_512, peerASN: 64_513, peerAddress: '192.0.2.1' };
const pool = (name: string, ...addresses: string[]) => configured('IPAddressPool', name, { addresses });
const fast = configured('BFDProfile', 'fast', {});
const named = (name: string) => ({ name, value: '64512:1' });

interface Asked {
  readonly object?: RawObject;
  readonly oldObject?: RawObject;
  readonly subResource?: string;
}

function ask({ object, oldObject, subResource }: Asked, beside: readonly RawObject[] = []) {
  const raw = object ?? oldObject ?? {};
  const [group = '', version] = String(raw['apiVersion']).includes('/')
    ? String(raw['apiVersion']).split('/')
    : ['', 'v1'];
  const review = readAdmission({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group, version, kind: raw['kind'] },
      operation: object === undefined ? 'DELETE' : oldObject === undefined ? 'CREATE' : 'UPDATE',
      object: object ?? null,
      oldObject: oldObject ?? null,
      ...(subResource === undefined ? {} : { subResource }),
    },
  });
  assert.ok('question' in review, JSON.stringify(review));
  const { answer } = decideAdmission(review, contextOf(beside));
  assert.equal(answer.response['uid'], 'u');
  assert.equal(answer.apiVersion, 'admission.k8s.io/v1');
  const { allowed, status, warnings } = answer.response;
  return {
    allowed,
    message: isRecord(status) ? String(status['message']) : undefined,
    details: isRecord(status) ? status['details'] : undefined,
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
  };
}

const service = (annotations: object, spec: object = {}): RawObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop', annotations },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
});

test('a refusal names object, field, value and rule, for people and for programs', () => {
  const { allowed, message, details } = ask({ object: pool('b', '192.0.2.0/24') }, [
    pool('a', '192.0.2.9/32'),
  ]);
  assert.equal(allowed, false);
  assert.match(
    message ?? '',
    /^IPAddressPool gantry-system\/b: spec\.addresses\[0\]: "192\.0\.2\.0-192\.0\.2\.255": This overlaps/,
  );
  assert.ok(isRecord(details));
  assert.deepEqual(
    [details['kind'], details['name'], details['group']],
    ['IPAddressPool', 'b', 'metallb.io'],
  );
  assert.match(JSON.stringify(details['causes']), /"field":"spec\.addresses\[0\]"/);
});

test('a valid object of every kind is let through, alone and with its like', () => {
  const [names] = fullObjects.filter(({ kind }) => kind === 'Community');
  assert.ok(names);
  for (const object of fullObjects) {
    const beside: readonly RawObject[] = [fast, names].filter(({ kind }) => kind !== object['kind']);
    assert.equal(ask({ object }, beside).message, undefined);
    assert.equal(ask({ object, oldObject: object }, [object, ...beside]).message, undefined);
    assert.equal(ask({ oldObject: object }, [object]).message, undefined);
  }
});

test('what others refer to is not deleted', () => {
  const peer = configured('BGPPeer', 'p', { ...session, bfdProfile: 'fast' });
  const refused = ask({ oldObject: fast }, [fast, peer]);
  assert.match(
    refused.message ?? '',
    /^BFDProfile gantry-system\/fast: metadata\.name: "fast": This would set aside the BGPPeer p, for its spec\.bfdProfile/,
  );
  assert.equal(ask({ oldObject: peer }, [fast, peer]).allowed, true);
  assert.equal(ask({ oldObject: fast }, [fast]).allowed, true);
  const community = configured('Community', 'c', { communities: [named('vpn')] });
  const advertisement = configured('BGPAdvertisement', 'x', { communities: ['vpn'] });
  assert.equal(ask({ oldObject: community }, [community, advertisement]).allowed, false);
});

test('a pool that advertisements name may be deleted, and the person is warned', () => {
  const lan = configured('L2Advertisement', 'lan', { ipAddressPools: ['a'] });
  const { allowed, warnings } = ask({ oldObject: pool('a', '192.0.2.0/24') }, [
    pool('a', '192.0.2.0/24'),
    lan,
  ]);
  assert.equal(allowed, true);
  assert.match(
    warnings.join(),
    /L2Advertisement lan, spec\.ipAddressPools\[0\]: There is no IPAddressPool a/,
  );
});

test('a change is not blamed for what was broken before', () => {
  const broken = [pool('a', '192.0.2.0/24'), configured('BGPPeer', 'p', { ...session, bfdProfile: 'gone' })];
  assert.equal(ask({ object: pool('b', '198.51.100.0/24') }, broken).allowed, true);
  assert.equal(ask({ object: configured('BFDProfile', 'slow', {}) }, broken).allowed, true);
});

test('a bad object that got in may be labelled elsewhere, finalized and deleted, but not changed', () => {
  const bad = pool('b', '192.0.2.0/33');
  const metadata = { name: 'b', namespace: ownNamespace, annotations: { a: 'b' }, finalizers: [] };
  assert.equal(ask({ object: { ...bad, metadata }, oldObject: bad }).allowed, true);
  assert.equal(ask({ oldObject: bad }).allowed, true);
  const leaving = { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
  assert.equal(ask({ object: { ...pool('b'), metadata: leaving }, oldObject: bad }).allowed, true);
  assert.equal(ask({ object: pool('b', '192.0.2.0/34'), oldObject: bad }).allowed, false);
});

test('labels of a pool count as a change: they choose it for advertisements', () => {
  const small = pool('a', '192.0.2.0/28');
  const labelled = { ...small, metadata: { name: 'a', namespace: ownNamespace, labels: { wide: 'yes' } } };
  const wide = configured('BGPAdvertisement', 'wide', {
    aggregationLength: 24,
    ipAddressPoolSelectors: [{ matchLabels: { wide: 'yes' } }],
  });
  const { message } = ask({ object: labelled, oldObject: small }, [small, wide]);
  assert.match(message ?? '', /set aside the BGPAdvertisement wide/);
});

test('an object elsewhere is refused when it is made, and let go when it is deleted', () => {
  const elsewhere = { ...fast, metadata: { name: 'fast', namespace: 'shop' } };
  assert.match(
    ask({ object: elsewhere }).message ?? '',
    /metadata\.namespace: "shop": .* gantry-system alone/,
  );
  const peer = configured('BGPPeer', 'p', { ...session, bfdProfile: 'fast' });
  assert.equal(ask({ oldObject: elsewhere }, [fast, peer]).allowed, true);
});

test('a Service is never refused, and hears what is wrong with its annotations', () => {
  const warningsOf = (annotations: object, spec: object = {}) => {
    const { allowed, warnings } = ask({ object: service(annotations, spec) }, [pool('a', '192.0.2.0/24')]);
    assert.equal(allowed, true);
    return warnings.join('\n');
  };
  assert.equal(warningsOf({ 'metallb.io/address-pool': 'a' }), '');
  assert.match(warningsOf({ 'metallb.io/address-pool': 'b' }), /no IPAddressPool b in force/);
  assert.match(warningsOf({ 'metallb.io/loadBalancerIPs': '192.0.2.999' }), /is not an IP address/);
  assert.match(
    warningsOf({ 'metallb.io/loadBalancerIp': '192.0.2.9' }),
    /Did you mean metallb\.io\/loadBalancerIPs/,
  );
  assert.match(
    warningsOf({ 'metallb.universe.tf/address-pool': 'a' }),
    /deprecated: write metallb\.io\/address-pool/,
  );
  assert.match(
    warningsOf({ 'metallb.io/loadBalancerIPs': '192.0.2.9' }, { loadBalancerIP: '192.0.2.9' }),
    /asks for addresses as well/,
  );
  assert.equal(warningsOf({ 'metallb.io/address-pool': 'b' }, { type: 'ClusterIP' }), '');
  const rubbish = warningsOf({ 'metallb.io/loadBalancerIPs': ',x'.repeat(100_000) }).split('\n');
  assert.ok(rubbish.length <= 10 && rubbish.every((line) => line.length <= 256));
});

test('what is deprecated is let through with a warning', () => {
  const { allowed, warnings } = ask({ object: configured('BGPPeer', 'p', { ...session, disableMP: true }) });
  assert.equal(allowed, true);
  assert.match(warnings.join(), /spec\.disableMP: true: This is deprecated/);
});

test('a password is never shown', () => {
  const spec = { ...session, password: 'secret', passwordSecret: { name: 'a' } };
  const { message } = ask({ object: configured('BGPPeer', 'p', spec) });
  assert.match(message ?? '', /spec\.password: "\(hidden\)"/);
  assert.doesNotMatch(message ?? '', /secret"/);
});

test('other kinds, other groups, subresources and reports are none of our business', () => {
  const bad = pool('b', 'rubbish');
  assert.equal(ask({ object: bad, subResource: 'status' }).allowed, true);
  assert.equal(ask({ object: { ...bad, apiVersion: 'example.com/v1' } }).allowed, true);
  assert.equal(
    ask({ object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' } } }).allowed,
    true,
  );
  assert.equal(ask({ object: configured('ConfigurationState', 'controller', {}) }).allowed, true);
});

test('what is no AdmissionReview is a fault, and nothing throws', () => {
  const context = contextOf([]);
  const answer = (request: object) => {
    const review = readAdmission({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    assert.ok('question' in review);
    decideAdmission(review, context);
  };
  for (const body of [null, 'x', {}, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }])
    assert.ok('fault' in readAdmission(body));
  const kind = fc.constantFrom('IPAddressPool', 'BGPPeer', 'Service', 'Community');
  fc.assert(
    fc.property(kind, fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (name, spec, metadata, oldObject) => {
      const object = { apiVersion: 'metallb.io/v1beta1', kind: name, metadata, spec };
      const group = name === 'Service' ? '' : 'metallb.io';
      for (const operation of ['CREATE', 'UPDATE', 'DELETE', 'CONNECT', 7])
        answer({ uid: 'u', kind: { group, kind: name }, operation, object, oldObject });
    }),
  );
});
