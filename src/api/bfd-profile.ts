// BFDProfile (metallb.io/v1beta1): the timers of a peer's BFD session (RFC 5880).
import * as z from 'zod/mini';
import type { BfdProfile } from '../model/bgp.ts';
import type { Parsed } from './field-problem.ts';
import { dnsSubdomain, manifest } from './metadata.ts';
import type { RawObject } from './record.ts';
import { readBySchema } from './schema.ts';

/** Milliseconds. */
const interval = z.int().check(z.gte(10), z.lte(60_000));

export const bfdProfileSpec = z.strictObject({
  receiveInterval: z._default(interval, 300),
  transmitInterval: z._default(interval, 300),
  detectMultiplier: z._default(z.int().check(z.gte(2), z.lte(255)), 3),
  echoInterval: z._default(interval, 50),
  echoMode: z._default(z.boolean(), false),
  passiveMode: z._default(z.boolean(), false),
  minimumTtl: z._default(z.int().check(z.gte(1), z.lte(254)), 254),
});

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
