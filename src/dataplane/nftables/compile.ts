// A frontend as elements of the table's sets.
import { hash } from 'node:crypto';
import { type Address, addressToBytes, cidrRange, type Family } from '../../model/address.ts';
import type { Protocol } from '../../model/service.ts';
import type { Backend, Frontend } from '../table.ts';
import { rememberChain, stickyChain } from './affinity.ts';
import { type ByteString, byteString, type Element } from './elements.ts';
import { layoutOf } from './family.ts';
import type { ChainVerdict } from './operation.ts';
import { maximumEndpoints, pickChain } from './pick.ts';
import { type SetRole, type Side, setDefinitions } from './sets.ts';

/** A frontend's key in the table's sets; its length tells the family. */
export type TableKey = ByteString;

/** What is in the sets for one frontend and no other. A role appears only with elements. */
export type Rows = ReadonlyMap<SetRole, readonly Element[]>;

export const definitions = { IPv4: setDefinitions('IPv4'), IPv6: setDefinitions('IPv6') };
const protocolNumbers: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** A frontend as elements. Equal frontends have equal ones, and `contents` has their hash. */
export function compile(frontend: Frontend): Rows {
  const { family } = frontend.address;
  const key = tableKey(frontend);
  const rows = new Map<SetRole, readonly Element[]>();
  const put = (role: SetRole, elements: readonly Element[]): void => {
    if (elements.length > 0) rows.set(role, elements);
  };
  const served = frontend.inside.length > 0;
  const isLocal = frontend.policy === 'Local';

  put('outside', [{ key, verdict: verdictOf(frontend, 'outside'), comment: frontend.service }]);
  put('outsideEndpoints', slots(key, frontend.outside));
  if (isLocal) {
    put('local', [{ key }]);
    put('inside', [{ key, verdict: verdictOf(frontend, 'inside') }]);
    put('insideEndpoints', slots(key, frontend.inside));
  } else if (served) put('masquerade', [{ key }]);

  if (frontend.sourceRanges !== undefined) {
    put('filtered', [{ key }]);
    put('ranges', rangeElements(key, frontend));
  }
  if (frontend.affinity !== undefined && served) {
    const { affinity } = frontend;
    put('sticky', [{ key, verdict: { kind: 'jump', chain: stickyChain(family, affinity) } }]);
    put('remember', [{ key, verdict: { kind: 'goto', chain: rememberChain(family, affinity) } }]);
    const offered = new Set([...frontend.outside, ...frontend.inside].map(endpointBytes));
    put(
      'members',
      [...offered].map((endpoint) => ({ key: key + endpoint })),
    );
  }
  rows.set('contents', [{ key, data: contentsOf(frontend, rows) }]);
  return rows;
}

/** Address, protocol, port, each padded to words. */
export function tableKey(frontend: Pick<Frontend, 'address' | 'protocol' | 'port'>): TableKey {
  const { address, protocol, port } = frontend;
  return `${addressBytes(address)}${String.fromCharCode(protocolNumbers[protocol])}\0\0\0${portBytes(port)}`;
}

export const familyOfKey = (key: TableKey): Family => (key.length === 12 ? 'IPv4' : 'IPv6');
export const definitionsOfKey = (key: TableKey) => definitions[familyOfKey(key)];

/** A UDP frontend's address and port, as in `endpointBytes`; undefined for other protocols. */
export function udpDestination(key: TableKey): ByteString | undefined {
  const { addressLength } = layoutOf(familyOfKey(key));
  if (key.charCodeAt(addressLength) !== protocolNumbers.UDP) return undefined;
  return key.slice(0, addressLength) + key.slice(addressLength + 4);
}

/** An endpoint as the maps' data. */
export const endpointBytes = (backend: Pick<Backend, 'address' | 'port'>): ByteString =>
  addressBytes(backend.address) + portBytes(backend.port);

export const addressBytes = (address: Address): ByteString =>
  address.family === 'IPv4' ? wordBytes(Number(address.value)) : byteString(addressToBytes(address));

const wordBytes = (value: number): ByteString =>
  String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);

const portBytes = (port: number): ByteString => String.fromCharCode(port >>> 8, port & 255, 0, 0);

/** A word in the host's order. */
const slotBytes = (slot: number): ByteString =>
  String.fromCharCode(slot & 255, (slot >>> 8) & 255, (slot >>> 16) & 255, slot >>> 24);

export const slotKey = (key: TableKey, slot: number): ByteString => key + slotBytes(slot);

/** Endpoints in the planner's order, which is the same wherever the same endpoints are. */
const slots = (key: TableKey, backends: readonly Backend[]): readonly Element[] =>
  backends
    .slice(0, maximumEndpoints)
    .map((backend, slot) => ({ key: slotKey(key, slot), data: endpointBytes(backend) }));

function verdictOf(frontend: Frontend, side: Side): ChainVerdict {
  const endpoints = Math.min(frontend[side].length, maximumEndpoints);
  if (endpoints > 0)
    return { kind: 'goto', chain: pickChain(layoutOf(frontend.address.family), side, endpoints) };
  return { kind: 'goto', chain: frontend.inside.length === 0 ? 'refuse' : 'discard' };
}

/** The kernel refuses ranges of one frontend that overlap, so they are joined first. */
function rangeElements(key: TableKey, frontend: Frontend): readonly Element[] {
  const { family } = frontend.address;
  const ranges = (frontend.sourceRanges ?? [])
    .map(cidrRange)
    .map(({ first, last }) => ({ first: first.value, last: last.value }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const joined: { first: bigint; last: bigint }[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1n) joined.push({ ...range });
    else if (range.last > before.last) before.last = range.last;
  }
  return joined.map(({ first, last }) => ({
    key: key + addressBytes({ family, value: first }),
    keyEnd: key + addressBytes({ family, value: last }),
  }));
}

/** Eight bytes of a hash of all rows, then the numbers of endpoints outside and inside. */
function contentsOf(frontend: Frontend, rows: Rows): ByteString {
  const parts: string[] = [];
  for (const [role, elements] of rows) {
    parts.push(role);
    for (const { key, keyEnd = '', data = '', verdict } of elements)
      parts.push(key, keyEnd, data, verdict === undefined ? '' : `${verdict.kind} ${verdict.chain}`);
  }
  const digest = hash('sha256', Buffer.from(parts.join('\n'), 'latin1'), 'buffer');
  const inside = rows.get('insideEndpoints')?.length ?? 0;
  const outside = Math.min(frontend.outside.length, maximumEndpoints);
  return byteString(digest.subarray(0, 8)) + slotBytes(outside) + slotBytes(inside);
}

/** A frontend's contents as they are in the table; empty where there are none. */
export const contentsIn = (rows: Rows): ByteString => rows.get('contents')?.[0]?.data ?? '';

/** The numbers of endpoints that a frontend's contents tell: outside, inside. */
export function contentsCounts(contents: ByteString): Readonly<Record<Side, number>> {
  if (contents === '') return { outside: 0, inside: 0 };
  const bytes = Buffer.from(contents, 'latin1');
  return { outside: bytes.readUInt32LE(8), inside: bytes.readUInt32LE(12) };
}
