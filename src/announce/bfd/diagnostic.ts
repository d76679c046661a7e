// Why a session is not up, as the wire numbers it and as a person reads it (RFC 5880 §4.1).

export const diagnostic = {
  none: 0,
  detectionTimeExpired: 1,
  echoFailed: 2,
  neighbourSignalledDown: 3,
  forwardingPlaneReset: 4,
  pathDown: 5,
  concatenatedPathDown: 6,
  administrativelyDown: 7,
  reverseConcatenatedPathDown: 8,
} as const;

const sentences = [
  'no diagnostic',
  'control detection time expired',
  'echo function failed',
  'neighbour signalled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
] as const;

/** In the words of RFC 5880; those it does not know are reserved. */
export const diagnosticText = (code: number): string => sentences[code] ?? `reserved diagnostic ${code}`;
