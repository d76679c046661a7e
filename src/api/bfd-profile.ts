// BFDProfile (metallb.io/v1beta1): the timers of a peer's BFD session (RFC 5880).
import * as z from 'zod/mini';
import type { BfdProfile } from '../model/bgp.ts';
import type { Parsed } from './field-problem.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import { described } from './published.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

/** Milliseconds. */
const interval = z.int().check(z.gte(10), z.lte(60_000));

export const bfdProfileSpec = described(
  z.strictObject({
    receiveInterval: described(
      z._default(interval, 300),
      'The shortest time between control packets that this side can take, in milliseconds.',
    ),
    transmitInterval: described(
      z._default(interval, 300),
      'The shortest time between control packets that this side sends, in milliseconds. The slower of the two sides decides.',
    ),
    detectMultiplier: described(
      z._default(z.int().check(z.gte(2), z.lte(255)), 3),
      'How many packets may be missing in a row before the peer counts as gone.',
    ),
    echoInterval: described(
      z._default(interval, 50),
      'The shortest time between echo packets that this side can take, in milliseconds.',
    ),
    echoMode: described(
      z._default(z.boolean(), false),
      'Send packets that the peer loops back, so that its answers need no care of its own. Not for peers several hops away.',
    ),
    passiveMode: described(
      z._default(z.boolean(), false),
      'Wait for the peer to begin, and only then send control packets.',
    ),
    minimumTtl: described(
      z._default(z.int().check(z.gte(1), z.lte(254)), 254),
      'For peers several hops away: packets that arrive with a lower TTL are dropped, which limits how far away a sender can be.',
    ),
  }),
  'How fast a BGP session notices that its peer is gone, by BFD (RFC 5880). A BGPPeer refers to it by name.',
);

const bfdProfile = manifest(dnsSubdomain, { spec: z.prefault(bfdProfileSpec, {}) });

export function parseBfdProfile(raw: RawObject): Parsed<BfdProfile> {
  const { manifest, problems } = readBySchema(bfdProfile, raw);
  if (manifest === undefined) return { object: undefined, problems };
  const { metadata, spec } = manifest;
  return {
    object: {
      name: metadata.name,
      receiveIntervalMilliseconds: spec.receiveInterval,
      transmitIntervalMilliseconds: spec.transmitInterval,
      detectMultiplier: spec.detectMultiplier,
      echoIntervalMilliseconds: spec.echoInterval,
      echoMode: spec.echoMode,
      passiveMode: spec.passiveMode,
      minimumTtl: spec.minimumTtl,
    },
    problems,
  };
}
