// What an agent says of BFD, checked before it is believed.
import { parseAddress } from '../model/address.ts';
import type { BfdToPulse, LinkBfdProfile, LinkBfdSession } from './bfd-link.ts';

/** Undefined for what is none. */
export function readBfdToPulse(message: object): BfdToPulse | undefined {
  const { sessions } = fieldsOf(message);
  return Array.isArray(sessions) && sessions.every(isSession) ? { type: 'bfd', sessions } : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const isAddress = (value: unknown): boolean => typeof value === 'string' && parseAddress(value) !== undefined;

const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

function isSession(value: unknown): value is LinkBfdSession {
  const { peer, local, interface: name, isMultihop, profile } = fieldsOf(value);
  return (
    isAddress(peer) &&
    (local === undefined || isAddress(local)) &&
    (name === undefined || (typeof name === 'string' && name.length >= 1 && name.length <= 15)) &&
    typeof isMultihop === 'boolean' &&
    isProfile(profile)
  );
}

/** Within what a BFDProfile may have. */
function isProfile(value: unknown): value is LinkBfdProfile {
  const fields = fieldsOf(value);
  return (
    isWithin(fields['receiveIntervalMilliseconds'], 1, 60_000) &&
    isWithin(fields['transmitIntervalMilliseconds'], 1, 60_000) &&
    isWithin(fields['detectMultiplier'], 1, 255) &&
    isWithin(fields['echoIntervalMilliseconds'], 1, 60_000) &&
    typeof fields['echoMode'] === 'boolean' &&
    typeof fields['passiveMode'] === 'boolean' &&
    isWithin(fields['minimumTtl'], 1, 254)
  );
}
