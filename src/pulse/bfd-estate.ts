// What a pulse leaves of its BFD sessions to the one that takes its place (succession.ts).
import type { Session } from '../announce/bfd/session.ts';
import type { WantedSession } from '../announce/bfd/table.ts';

export interface BfdEstate {
  readonly sessions: readonly {
    readonly wanted: WantedSession;
    readonly session: Session;
    /** The source port, which a session keeps (RFC 5881 §4); 0: it has none yet. */
    readonly port: number;
  }[];
}
