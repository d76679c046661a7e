// What it costs to encode 100,000 routes for a peer, with shared and with distinct attributes, and for 1,000 peers.

import { type PathSet, pathSet } from '../src/announce/bgp/path-set.ts';
import {
  addReader,
  createRibOut,
  pull,
  type Reader,
  type RibOut,
  want,
} from '../src/announce/bgp/rib-out.ts';
import { type Figure, median, report } from './report.ts';

const isQuick = process.argv.includes('--quick');
const routes = isQuick ? 10_000 : 100_000;
const peers = 1000;
const rounds = 5;
const first = 0xc6120000n; // 198.18.0.0/15
const budgetBytes = 65_536;

/** The set of the route with this index. */
const setOf = (index: number): PathSet =>
  pathSet(
    {
      localPreference: 100,
      communities: [{ kind: 'large', value: [64500, 1, index] }],
      bandwidthBytesPerSecond: undefined,
    },
    {
      isInternal: true,
      localAsn: 64500,
      nextHops: [{ family: 'IPv4', value: 0xc0000201n }],
      isLeaving: false,
    },
  );

function fill(setFor: (index: number) => PathSet): RibOut {
  const rib = createRibOut({ family: 'IPv4', isFourByteAs: true, isExtended: false });
  for (let index = 0; index < routes; index++) {
    const address = { family: 'IPv4', value: first + BigInt(index) } as const;
    want(rib, { address, prefixLength: 32, pathId: undefined }, setFor(index));
  }
  return rib;
}

/** All of them take their messages in turns, as sockets do. */
function drain(rib: RibOut, readers: readonly Reader[]): number {
  let bytes = 0;
  let isDone = false;
  while (!isDone) {
    isDone = true;
    for (const reader of readers)
      for (const message of pull(rib, reader, budgetBytes)) {
        bytes += message.length;
        isDone = false;
      }
  }
  return bytes;
}

/** Milliseconds of our CPU. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const measured = (work: () => void): number => median(Array.from({ length: rounds }, () => cpuOf(work)));

function encode(readers: number, setFor: (index: number) => PathSet): void {
  const rib = fill(setFor);
  drain(
    rib,
    Array.from({ length: readers }, () => addReader(rib)),
  );
}

const shared = setOf(0);
const sharedOne = measured(() => encode(1, () => shared));
const sharedMany = measured(() => encode(peers, () => shared));
const distinctOne = measured(() => encode(1, setOf));
const figures: Figure[] = [
  { name: `${routes} routes, shared attributes`, value: sharedOne, unit: 'ms of CPU', bound: 200 },
  { name: `${routes} routes, distinct attributes`, value: distinctOne, unit: 'ms of CPU', bound: 1500 },
  { name: `${peers} peers against one`, value: sharedMany / sharedOne, unit: 'times', bound: 2 },
];
report('bgp-encode', figures);
