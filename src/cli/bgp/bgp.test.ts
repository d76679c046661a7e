// What `gantry bgp` shows: peers as they are reported, routes as they are planned, and each reason why not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node, pool, service, slice } from '../../agent/test-world.ts';
import { bgpAdvertisement, bgpPeer } from '../../announce/bgp/sample-world.ts';
import type { PeerReport } from '../../api/bgp-report.ts';
import type { NodeReport } from '../../api/node-report.ts';
import { sampleAddress } from '../../model/sample.ts';
import type { Change } from '../../model/world.ts';
import { nodeReport, snapshotOf } from '../sample-snapshot.ts';
import { isAnnounced, renderStory, storyOf } from './address-story.ts';
import { arePeersWell, peerRows, renderPeers } from './peer-rows.ts';
import { routeRows } from './route-rows.ts';

const tor: PeerReport = {
  name: 'tor',
  address: '192.0.2.254',
  port: 179,
  state: 'established',
  since: '2026-01-31T11:00:00.000Z',
  localAsn: 64500,
  peerAsn: 64501,
  families: ['IPv4'],
  capabilities: ['route-refresh', 'role'],
  peerCapabilities: ['route-refresh'],
  told: true,
  prefixes: 1,
  sent: 5,
  received: 4,
};
const base: readonly Change[] = [
  pool(),
  node('node-1'),
  node('node-2'),
  bgpPeer('tor'),
  bgpAdvertisement('all', { communities: ['64500:7'] }),
  service('a', ['192.0.2.1']),
  slice('a', [{ node: 'node-1' }]),
];
const snapshot = (
  peer: Partial<PeerReport> = {},
  more: readonly Change[] = [],
  report: Partial<NodeReport> = {},
) =>
  snapshotOf({
    changes: [...base, ...more],
    reports: [
      nodeReport(
        'node-1',
        { 'node-1': 'alive' },
        { bgp: { peers: [{ ...tor, ...peer }], unused: [] }, ...report },
      ),
    ],
  });

test('peers are well while all are Established and told; else it is said why', () => {
  const well = peerRows(snapshot());
  assert.equal(arePeersWell(well), true);
  assert.match(
    renderPeers(well, process.stderr),
    /node-1 +tor +192\.0\.2\.254 +64501 .*established.* 1 .* route-refresh\n$/,
  );
  const down = peerRows(
    snapshot({ state: 'active', told: false, lastError: 'no connection: nobody answers' }),
  );
  assert.equal(arePeersWell(down), false);
  assert.match(renderPeers(down, process.stderr), /\nnode-1, tor: no connection: nobody answers\n$/);
  const reason = { peer: 'x', kind: 'neighbour-unknown', message: 'Give it an address.' };
  const unused = peerRows(snapshot({}, [], { bgp: { peers: [tor], unused: [reason] } }));
  assert.equal(arePeersWell(unused), false);
  const elsewhere = { ...reason, kind: 'peer-not-for-node' };
  assert.equal(
    arePeersWell(peerRows(snapshot({}, [], { bgp: { peers: [tor], unused: [elsewhere] } }))),
    true,
  );
});

test('routes are told with their attributes, and to whom', () => {
  assert.deepEqual(routeRows(snapshot()), [
    {
      node: 'node-1',
      prefix: '192.0.2.1/32',
      peers: ['tor'],
      told: ['tor'],
      localPreference: null,
      communities: ['64500:7'],
      bandwidth: null,
    },
  ]);
  assert.deepEqual(routeRows(snapshot({ told: false }))[0]?.told, []);
});

test('an address that is announced, and each thing that keeps it from being so', () => {
  const story = (text: string, ...parts: Parameters<typeof snapshot>): string => {
    const told = storyOf(snapshot(...parts), sampleAddress(text));
    assert.equal(isAnnounced(told), renderStory(told).includes(' as '));
    return renderStory(told);
  };
  assert.equal(story('192.0.2.1'), '192.0.2.1 of web/a\nnode-1 announces it as 192.0.2.1/32 to tor.\n');
  assert.match(story('192.0.2.9'), /^No Service has 192\.0\.2\.9/);
  const cases: readonly (readonly [Parameters<typeof snapshot>, RegExp])[] = [
    [
      [{ state: 'active', told: false, lastError: 'no connection' }],
      /session with tor is active: no connection/,
    ],
    [[{ families: ['IPv6'] }], /for IPv6 alone/],
    [[{}, [bgpAdvertisement('all', { peers: ['spine'] })]], /all is for no BGPPeer that node-1 has/],
    [[{}, [slice('a', [])]], /no ready IPv4 endpoint/],
    [[{}, [], { pulse: { ...nodeReport('node-1').pulse, draining: true } }], /drained/],
  ];
  for (const [parts, expected] of cases) assert.match(story('192.0.2.1', ...parts), expected);
});
