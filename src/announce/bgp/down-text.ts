// Why a session is down, in a sentence for its peer's status.
import { refusalText } from './agreement.ts';
import { notificationText } from './notification.ts';
import type { DownReason } from './session.ts';

export function downText(reason: DownReason): string {
  switch (reason.kind) {
    case 'sent':
      return `ended by this node: ${notificationText(reason.notification)}`;
    case 'received':
      return `ended by the peer: ${notificationText(reason.notification)}`;
    case 'refused':
      return refusalText(reason.refusal);
    case 'closed':
      return `the connection is gone: ${reason.text}`;
    case 'planned-restart':
      return 'closed for a planned restart, after which this node is back';
    default:
      return reason satisfies never;
  }
}
