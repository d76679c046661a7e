// BGPPeer (metallb.io/v1beta2, and v1beta1, which is read as the newer version): one neighbour and its session.
import { type Address, parseAddress } from '../model/address.ts';
import type { BgpPeer } from '../model/bgp.ts';
import { readPeerAnnotations } from './bgp-peer-annotations.ts';
import { convertBgpPeer } from './bgp-peer-conversion.ts';
import {
  type BgpPeerSpec,
  bgpPeerSpecV1beta1,
  bgpPeerSpecV1beta2,
  peerAsnOf,
  secondsOf,
} from './bgp-peer-schema.ts';
import { type FieldProblem, fieldWarning, hasError, type Parsed } from './field-problem.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

const bgpPeerV1beta1 = manifest(dnsSubdomain, { spec: bgpPeerSpecV1beta1 });
const bgpPeerV1beta2 = manifest(dnsSubdomain, { spec: bgpPeerSpecV1beta2 });

export function parseBgpPeer(raw: RawObject): Parsed<BgpPeer> {
  if (raw['apiVersion'] === 'metallb.io/v1beta2') return parseNewer(raw);
  const { problems } = readBySchema(bgpPeerV1beta1, raw);
  if (hasError(problems)) return { object: undefined, problems };
  return parseNewer(convertBgpPeer(raw, 'metallb.io/v1beta2'));
}

function parseNewer(raw: RawObject): Parsed<BgpPeer> {
  const { manifest, problems } = readBySchema(bgpPeerV1beta2, raw);
  if (manifest === undefined) return { object: undefined, problems };
  const { metadata, spec } = manifest;
  const peerAsn = peerAsnOf(spec);
  const peer = peerOf(spec);
  // The schema has seen to both.
  if (peerAsn === undefined || peer === undefined) return { object: undefined, problems };
  const annotated = readPeerAnnotations(metadata.annotations, {
    address: 'address' in peer ? peer.address : undefined,
    isExternal: peerAsn !== 'internal' && peerAsn !== spec.myASN,
    hasGracefulRestart: spec.enableGracefulRestart,
  });
  const all = [...problems, ...annotated.problems, ...deprecations(spec)];
  if (hasError(all)) return { object: undefined, problems: all };
  return {
    object: {
      name: metadata.name,
      myAsn: spec.myASN,
      peerAsn,
      localAsn: spec.localASN,
      peer,
      sourceAddress: addressOf(spec.sourceAddress),
      peerPort: spec.peerPort,
      ...sessionTimers(spec),
      routerId: addressOf(spec.routerID),
      nodeSelectors: spec.nodeSelectors,
      password: given(spec.password),
      passwordSecret: secretOf(spec.passwordSecret, metadata.namespace ?? 'default'),
      bfdProfile: given(spec.bfdProfile),
      enableGracefulRestart: spec.enableGracefulRestart,
      ebgpMultiHop: spec.ebgpMultiHop,
      vrf: given(spec.vrf),
      disableMp: spec.disableMP,
      dualStackAddressFamily: spec.dualStackAddressFamily,
      ...annotated.found,
    },
    problems: all,
  };
}

/** As clients write unset fields, empty is as good as absent. */
const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const addressOf = (text: string | undefined): Address | undefined => parseAddress(text ?? '');

function peerOf(spec: BgpPeerSpec): BgpPeer['peer'] | undefined {
  const address = addressOf(spec.peerAddress);
  if (address !== undefined) return { address };
  const name = given(spec.interface);
  return name === undefined ? undefined : { interface: name };
}

const secretOf = (secret: BgpPeerSpec['passwordSecret'], ownNamespace: string): BgpPeer['passwordSecret'] =>
  secret?.name === undefined ? undefined : { name: secret.name, namespace: secret.namespace ?? ownNamespace };

type Timers = Pick<BgpPeer, 'holdTimeSeconds' | 'keepaliveTimeSeconds' | 'connectTimeSeconds'>;

/** RFC 4271 §4.2 and §10: one of hold and keepalive time implies the other by a factor of three. */
function sessionTimers(spec: BgpPeerSpec): Timers {
  const hold = secondsOf(spec.holdTime);
  const keepalive = secondsOf(spec.keepaliveTime);
  return {
    holdTimeSeconds: hold ?? (keepalive === undefined ? 90 : keepalive * 3),
    keepaliveTimeSeconds: keepalive ?? (hold === undefined ? 30 : hold / 3),
    connectTimeSeconds: secondsOf(spec.connectTime),
  };
}

function deprecations({ disableMP }: BgpPeerSpec): FieldProblem[] {
  if (!disableMP) return [];
  const rule =
    'This is deprecated: a session exchanges its own family alone unless dualStackAddressFamily is true.';
  return [fieldWarning(['spec', 'disableMP'], disableMP, rule)];
}
