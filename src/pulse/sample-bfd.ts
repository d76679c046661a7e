// What a pulse says of BFD, for tests of its listeners.
import type { BfdFromPulse, LinkBfdCounters, LinkBfdState } from './bfd-link.ts';

export const sampleBfdState = (peer: string, more: Partial<LinkBfdState> = {}): LinkBfdState => ({
  key: `single-hop ${peer} - -`,
  peer,
  isMultihop: false,
  state: 'up',
  diagnostic: 0,
  diagnosticText: 'no diagnostic',
  since: Date.parse('2026-01-31T11:00:00Z'),
  remoteState: 'up',
  remoteDiagnostic: 0,
  remoteDemand: false,
  remoteIsControlPlaneIndependent: false,
  localDiscriminator: 1,
  remoteDiscriminator: 2,
  transmitIntervalMilliseconds: 50,
  detectionMilliseconds: 150,
  echo: 'off',
  ...more,
});

export const sampleBfdCounters = (
  sessions: readonly LinkBfdCounters[],
  more: Partial<Extract<BfdFromPulse, { type: 'bfd-counters' }>> = {},
): Extract<BfdFromPulse, { type: 'bfd-counters' }> => ({
  type: 'bfd-counters',
  sessions,
  refused: [],
  smallestReceiveSlackMilliseconds: undefined,
  smallestTransmitSlackMilliseconds: undefined,
  stalledMilliseconds: 0,
  ...more,
});
