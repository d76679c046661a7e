// A BFDProfile as a session's settings.
import type { BfdProfile } from '../../model/bgp.ts';
import type { SessionSettings } from './session.ts';

/** Echo is for neighbours: a multihop session has none (RFC 5883 §3). */
export const settingsOf = (profile: Omit<BfdProfile, 'name'>, isMultihop: boolean): SessionSettings => ({
  desiredMinTxMicroseconds: profile.transmitIntervalMilliseconds * 1000,
  requiredMinRxMicroseconds: profile.receiveIntervalMilliseconds * 1000,
  detectMultiplier: profile.detectMultiplier,
  isPassive: profile.passiveMode,
  echoIntervalMicroseconds:
    profile.echoMode && !isMultihop ? profile.echoIntervalMilliseconds * 1000 : undefined,
});
