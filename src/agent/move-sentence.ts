// Why an address is on this node, in words: for the ServiceL2Status, the event and `gantry why`.
import type { LinkOwned } from '../pulse/link.ts';

/** As in `Taken over from node1, which had not been heard for 161 ms.` */
export const moveSentence = (owned: LinkOwned): string => `${clause(owned)}.`;

/** The same, and when. */
export const moveSentenceWithTime = (owned: LinkOwned): string =>
  `${clause(owned)}, at ${new Date(owned.since).toISOString()}.`;

function clause({ cause, from, silenceMilliseconds }: LinkOwned): string {
  const before = from ?? 'the node before';
  switch (cause) {
    case 'elected':
      return 'Elected: it is wanted most of the nodes that live, and nobody had the address';
    case 'takeover':
      return `Taken over from ${before}, which had not been heard for ${silenceMilliseconds ?? 0} ms`;
    case 'handover':
      return `Handed over by ${before}`;
    case 'failback':
      return `Given back by ${before}: this node is wanted more`;
    case 'stand-in':
      return 'Taken because nobody had the address, and the node that is wanted most did not take it';
    default:
      return cause satisfies never;
  }
}
