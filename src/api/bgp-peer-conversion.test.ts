// BGPPeers survive the way to the other version and back, whoever writes in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addedFieldsAnnotation, type BgpPeerVersion, convertBgpPeer } from './bgp-peer-conversion.ts';
import { defaulted, serverRefusals } from './crd/fake-api-server.ts';
import { edgeObjects, fullObjects } from './crd/sample-objects.ts';
import { servedKinds } from './crd/served-kinds.ts';
import { structuralSchema } from './crd/structural-schema.ts';
import { parseObject } from './parse-object.ts';
import { isRecord, type RawObject } from './record.ts';

const older: BgpPeerVersion = 'metallb.io/v1beta1';
const newer: BgpPeerVersion = 'metallb.io/v1beta2';

const peersOf = (version: BgpPeerVersion): RawObject[] =>
  [...fullObjects, ...edgeObjects].filter(
    ({ kind, apiVersion }) => kind === 'BGPPeer' && apiVersion === version,
  );

const specOf = (raw: RawObject): RawObject => (isRecord(raw['spec']) ? raw['spec'] : {});

/** What Gantry makes of it. */
const read = (raw: RawObject) => parseObject(raw).change?.object;

const schemaOf = (version: BgpPeerVersion) => {
  const served = servedKinds.find(({ kind }) => kind === 'BGPPeer')?.versions;
  const spec = served?.find(({ name }) => version.endsWith(name))?.spec;
  assert.ok(spec !== undefined);
  return structuralSchema(spec);
};

const schemas = { [older]: schemaOf(older), [newer]: schemaOf(newer) };

/** The spec as the API server keeps it, defaults and all. */
const stored = (raw: RawObject): unknown =>
  defaulted(schemas[raw['apiVersion'] === older ? older : newer], raw['spec']);

/** Both ways of saying "none", and fields that say their default, are left out. */
const plain = (raw: RawObject): RawObject => ({
  ...raw,
  spec: Object.fromEntries(
    Object.entries(specOf(raw)).filter(
      ([name, value]) =>
        value !== false && !(name === 'peerASN' && value === 0) && !(name === 'peerAddress' && value === ''),
    ),
  ),
});

test('a peer of the newer version comes back from the older one as it was', () => {
  for (const peer of peersOf(newer)) {
    const there = convertBgpPeer(peer, older);
    assert.deepEqual(serverRefusals(there), []);
    // Whoever writes it back has the defaults of the older version filled in.
    const written = { ...there, spec: stored(there) };
    const back = convertBgpPeer(written, newer);
    assert.deepEqual(plain(back), plain({ ...peer, spec: stored(peer) }));
    assert.deepEqual(read(back), read(peer));
    assert.deepEqual(read(there), read(peer), 'and means the same on the way');
  }
});

test('a peer of the older version comes back from the newer one as it was', () => {
  for (const peer of peersOf(older)) {
    const there = convertBgpPeer(peer, newer);
    assert.deepEqual(serverRefusals(there), []);
    assert.deepEqual(read(there), read(peer));
    assert.deepEqual(read(convertBgpPeer(there, older)), read(peer));
  }
});

test('the older version has the older fields alone, and an annotation for the others', () => {
  const [full] = peersOf(newer);
  assert.ok(full);
  const { spec, metadata } = convertBgpPeer(full, older);
  assert.ok(isRecord(spec) && isRecord(metadata) && isRecord(metadata['annotations']));
  assert.deepEqual(Object.keys(spec).sort(), [
    'bfdProfile',
    'ebgpMultiHop',
    'holdTime',
    'keepaliveTime',
    'myASN',
    'nodeSelectors',
    'peerASN',
    'peerAddress',
    'peerPort',
    'routerID',
    'sourceAddress',
  ]);
  assert.equal(spec['peerASN'], 0);
  assert.equal(spec['peerAddress'], '');
  const note: unknown = JSON.parse(String(metadata['annotations'][addedFieldsAnnotation]));
  assert.ok(isRecord(note));
  assert.equal(note['vrf'], 'red');
});

test('what somebody changes under the older version is changed, and what he cannot see stays', () => {
  const [full] = peersOf(newer);
  assert.ok(full);
  const there = convertBgpPeer(full, older);
  const { dynamicASN: _, interface: __, ...rest } = specOf(full);
  const edited = { ...there, spec: { ...specOf(there), holdTime: '9s', keepaliveTime: '3s' } };
  assert.deepEqual(
    plain(convertBgpPeer(edited, newer)),
    plain({ ...full, spec: { ...specOf(full), holdTime: '9s', keepaliveTime: '3s' } }),
  );
  const inline = { ...there, spec: { ...specOf(there), vrf: 'blue' } };
  assert.equal(specOf(convertBgpPeer(inline, newer))['vrf'], 'blue', 'a newer field that is written wins');
  assert.equal(rest['vrf'], 'red');
});

test('a plain session has no annotation, and annotations of others are kept', () => {
  const peer = {
    apiVersion: newer,
    kind: 'BGPPeer',
    metadata: { name: 'x', annotations: { 'example.com/a': 'b' } },
    spec: { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1', disableMP: false, enableGracefulRestart: false },
  };
  const { metadata } = convertBgpPeer(peer, older);
  assert.deepEqual(metadata, peer.metadata);
  const rich = { ...peer, spec: { ...peer.spec, vrf: 'red' } };
  assert.deepEqual(convertBgpPeer(convertBgpPeer(rich, older), newer).metadata, peer.metadata);
});

test('an annotation that somebody spoilt is dropped', () => {
  for (const text of ['', '{', '7', '[]', '{"myASN":7}', '{"__proto__":{"vrf":"red"}}']) {
    const peer: RawObject = {
      apiVersion: older,
      kind: 'BGPPeer',
      metadata: { name: 'x', annotations: { [addedFieldsAnnotation]: text } },
      spec: { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1' },
    };
    assert.deepEqual(convertBgpPeer(peer, newer), {
      ...peer,
      apiVersion: newer,
      metadata: { name: 'x' },
    });
  }
});

test('no JSON makes the conversion throw', () => {
  const versions = fc.constantFrom(older, newer);
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      versions,
      (raw, spec, version) => {
        convertBgpPeer(raw, version);
        convertBgpPeer(
          { ...raw, spec, metadata: { annotations: { [addedFieldsAnnotation]: JSON.stringify(spec) } } },
          version,
        );
      },
    ),
  );
});
