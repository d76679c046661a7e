// How many messages of each type one session has sent and received.
import type { Message } from '../../announce/bgp/message.ts';

export type MessageCounts = Record<Message['kind'], number>;

export const noMessages = (): MessageCounts => ({
  open: 0,
  update: 0,
  notification: 0,
  keepalive: 0,
  'route-refresh': 0,
});

const types = ['open', 'update', 'notification', 'keepalive', 'route-refresh'] as const;

/** Counts a message as it is on the wire (RFC 4271 §4.1). */
export function countMessage(counts: MessageCounts, message: Uint8Array): void {
  const kind = types[(message[18] ?? 0) - 1];
  if (kind !== undefined) counts[kind]++;
}

export const totalOf = (counts: MessageCounts): number => types.reduce((sum, kind) => sum + counts[kind], 0);
