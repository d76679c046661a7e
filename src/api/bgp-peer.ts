// BGPPeer (metallb.io/v1beta2, and v1beta1, whose fields are a part of it): one neighbour and its session.
import * as z from 'zod/mini';
import { type Address, parseAddress } from '../model/address.ts';
import type { BgpPeer } from '../model/bgp.ts';
import { parseDuration } from './duration.ts';
import { type FieldProblem, fieldError, hasError, type Parsed } from './field-problem.ts';
import { interfaceName } from './l2-advertisement.ts';
import { labelSelectors } from './label-selector.ts';
import { dnsLabel, dnsSubdomain, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

const asn = z.int().check(z.gte(1), z.lte(4_294_967_295));

const commonFields = {
  myASN: asn,
  sourceAddress: z.optional(z.string()),
  peerPort: z._default(z.int().check(z.gte(1), z.lte(16_384)), 179),
  holdTime: z.optional(z.string()),
  keepaliveTime: z.optional(z.string()),
  routerID: z.optional(z.string()),
  nodeSelectors: labelSelectors,
  password: z.optional(z.string()),
  bfdProfile: z.optional(z.string()),
  ebgpMultiHop: z._default(z.boolean(), false),
};

export const bgpPeerSpecV1beta1 = z.strictObject({
  ...commonFields,
  peerASN: asn,
  peerAddress: z.string(),
});

export const bgpPeerSpecV1beta2 = z.strictObject({
  ...commonFields,
  /** As in the reference, 0 is as good as absent. */
  peerASN: z.optional(z.int().check(z.gte(0), z.lte(4_294_967_295))),
  dynamicASN: z.optional(z.enum(['internal', 'external'])),
  localASN: z.optional(asn),
  peerAddress: z.optional(z.string()),
  interface: z.optional(interfaceName),
  connectTime: z.optional(z.string()),
  passwordSecret: z.optional(
    z.strictObject({ name: z.optional(dnsSubdomain), namespace: z.optional(dnsLabel) }),
  ),
  enableGracefulRestart: z._default(z.boolean(), false),
  vrf: z.optional(interfaceName),
  disableMP: z._default(z.boolean(), false),
  dualStackAddressFamily: z._default(z.boolean(), false),
});

const bgpPeerV1beta1 = manifest(dnsSubdomain, { spec: bgpPeerSpecV1beta1 });
const bgpPeerV1beta2 = manifest(dnsSubdomain, { spec: bgpPeerSpecV1beta2 });

export function parseBgpPeer(raw: RawObject): Parsed<BgpPeer> {
  if (raw['apiVersion'] === 'metallb.io/v1beta2') {
    const { manifest, problems } = readBySchema(bgpPeerV1beta2, raw);
    if (manifest === undefined) return { object: undefined, problems };
    return toPeer(manifest.metadata.name, manifest.spec, problems);
  }
  const { manifest, problems } = readBySchema(bgpPeerV1beta1, raw);
  if (manifest === undefined) return { object: undefined, problems };
  const spec = { ...bgpPeerDefaults, ...manifest.spec };
  return toPeer(manifest.metadata.name, spec, problems);
}

const bgpPeerDefaults = { enableGracefulRestart: false, disableMP: false, dualStackAddressFamily: false };

type Spec = z.output<typeof bgpPeerSpecV1beta2>;

function toPeer(name: string, spec: Spec, found: readonly FieldProblem[]): Parsed<BgpPeer> {
  const problems: FieldProblem[] = [...found];
  const refuse = (field: keyof Spec, rule: string): undefined => {
    problems.push(fieldError(['spec', field], spec[field], rule));
  };
  const addressOf = (field: 'peerAddress' | 'sourceAddress' | 'routerID'): Address | undefined => {
    const text = spec[field];
    if (text === undefined || text === '') return undefined;
    return parseAddress(text) ?? refuse(field, 'This must be an IP address: correct it.');
  };

  const peerAsn = spec.dynamicASN ?? (spec.peerASN === 0 ? undefined : spec.peerASN);
  if (peerAsn === undefined) refuse('peerASN', 'The peer needs peerASN or dynamicASN: add one of the two.');
  if (spec.dynamicASN !== undefined && (spec.peerASN ?? 0) !== 0) {
    refuse('dynamicASN', 'The peer has peerASN as well: keep one of the two.');
  }
  const peerAddress = addressOf('peerAddress');
  const hasPeerAddress = (spec.peerAddress ?? '') !== '';
  if (hasPeerAddress === (spec.interface !== undefined)) {
    refuse('peerAddress', 'The peer needs either peerAddress or interface: give one of the two.');
  }
  const sourceAddress = addressOf('sourceAddress');
  const routerId = addressOf('routerID');
  if (routerId?.family === 'IPv6')
    refuse('routerID', 'A router ID is written as an IPv4 address: correct it.');
  if (spec.ebgpMultiHop && (peerAsn === 'internal' || peerAsn === spec.myASN)) {
    refuse('ebgpMultiHop', 'This is an internal session, which needs no multihop: remove it.');
  }
  if ((spec.password ?? '') !== '' && spec.passwordSecret?.name !== undefined) {
    refuse('password', 'The peer has passwordSecret as well: keep one of the two.');
  }
  const timers = sessionTimers(spec, refuse);
  const peer = peerAddress === undefined ? interfacePeer(spec.interface) : { address: peerAddress };
  if (hasError(problems) || peerAsn === undefined || peer === undefined)
    return { object: undefined, problems };
  return {
    object: {
      name,
      myAsn: spec.myASN,
      peerAsn,
      localAsn: spec.localASN,
      peer,
      sourceAddress,
      peerPort: spec.peerPort,
      ...timers,
      routerId,
      nodeSelectors: spec.nodeSelectors,
      password: spec.password === '' ? undefined : spec.password,
      passwordSecret: secretOf(spec.passwordSecret),
      bfdProfile: spec.bfdProfile === '' ? undefined : spec.bfdProfile,
      enableGracefulRestart: spec.enableGracefulRestart,
      ebgpMultiHop: spec.ebgpMultiHop,
      vrf: spec.vrf,
      disableMp: spec.disableMP,
      dualStackAddressFamily: spec.dualStackAddressFamily,
    },
    problems,
  };
}

const interfacePeer = (name: string | undefined): { readonly interface: string } | undefined =>
  name === undefined ? undefined : { interface: name };

const secretOf = (secret: Spec['passwordSecret']): BgpPeer['passwordSecret'] =>
  secret?.name === undefined ? undefined : { name: secret.name, namespace: secret.namespace };

type Timers = Pick<BgpPeer, 'holdTimeSeconds' | 'keepaliveTimeSeconds' | 'connectTimeSeconds'>;

/** RFC 4271 §4.2 and §10: one of hold and keepalive time implies the other by a factor of three. */
function sessionTimers(spec: Spec, refuse: (field: keyof Spec, rule: string) => undefined): Timers {
  const secondsOf = (field: 'holdTime' | 'keepaliveTime' | 'connectTime'): number | undefined => {
    const text = spec[field];
    if (text === undefined) return undefined;
    const milliseconds = parseDuration(text);
    return milliseconds === undefined
      ? refuse(field, 'This must be a duration, such as 90s or 1m30s.')
      : milliseconds / 1000;
  };
  const hold = secondsOf('holdTime');
  const keepalive = secondsOf('keepaliveTime');
  const connect = secondsOf('connectTime');
  const holdTimeSeconds = hold ?? (keepalive === undefined ? 90 : keepalive * 3);
  const keepaliveTimeSeconds = keepalive ?? (hold === undefined ? 30 : hold / 3);
  if ((holdTimeSeconds !== 0 && holdTimeSeconds < 3) || holdTimeSeconds > 65_535) {
    refuse(
      hold === undefined ? 'keepaliveTime' : 'holdTime',
      'The hold time must be 0 or from 3 to 65535 seconds.',
    );
  }
  if (keepaliveTimeSeconds > holdTimeSeconds) {
    refuse('keepaliveTime', `This must be no longer than the hold time, ${holdTimeSeconds} s.`);
  }
  if (connect !== undefined && (!Number.isInteger(connect) || connect < 1 || connect > 65_535)) {
    refuse('connectTime', 'This must be from 1 to 65535 whole seconds.');
  }
  return { holdTimeSeconds, keepaliveTimeSeconds, connectTimeSeconds: connect };
}
