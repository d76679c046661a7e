// How one pulse takes another's place without a move: the running one hands over all that it knows, and is silent; the
// new one goes on as the same member, of which the others notice nothing.
import { connect } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import type { AskerRecord } from '../announce/layer2/askers.ts';
import type { MemberState } from '../announce/membership/state.ts';
import type { BfdEstate } from './bfd-estate.ts';
import { readLines, writeLine } from './json-lines.ts';
import type { FromPulse, LinkAddress, LinkMember, LinkOwned, ToPulse } from './link.ts';

/** Grows with every change of what an estate holds: one of another format is of no use. */
export const estateFormat = 2;

/** All that a pulse is made of, but its sockets. Times are of CLOCK_BOOTTIME, which both processes share. */
export interface Estate {
  readonly node: string;
  readonly members: readonly LinkMember[];
  readonly keyFile: string;
  readonly isDraining: boolean;
  readonly isTableWhole: boolean;
  readonly table: readonly LinkAddress[];
  readonly owned: readonly LinkOwned[];
  /** By address, the node that had it before. */
  readonly formerNodes: readonly (readonly [key: string, node: string])[];
  readonly member: MemberState;
  /** Who asked for shares. */
  readonly askers: readonly AskerRecord[];
  /** Of a pulse that knows BFD. */
  readonly bfd?: BfdEstate;
}

/** With its shared references: the claims of one lease stay claims of one lease. */
export const writeEstate = (estate: Estate): string => serialize(estate).toString('base64');

/** The text is of another process of ours, over a socket that is for the same user alone. */
export const readEstate = (text: string): Estate => deserialize(Buffer.from(text, 'base64')) as Estate;

/** The one that runs answers within a few milliseconds; one that is frozen does not. */
const longestWaitMilliseconds = 5000;

/**
 * Asks the pulse at `path` for its place, and resolves when it has given everything up: with what it knew, or with
 * undefined where none runs there, or where one of another format has left as if stopped. Rejects when it does not
 * answer in time.
 */
export function takeOver(path: string): Promise<Estate | undefined> {
  return new Promise((resolve, reject) => {
    let estate: Estate | undefined;
    const socket = connect(path);
    const late = (): void =>
      void socket.destroy(
        new Error(`the pulse that answers on ${path} does not make room: stop it, then start this one`),
      );
    const timer = setTimeout(late, longestWaitMilliseconds);
    let isConnected = false;
    let failure: Error | undefined;
    socket.once('connect', () => {
      isConnected = true;
      writeLine(socket, { type: 'succeed', format: estateFormat } satisfies ToPulse);
    });
    readLines(socket, (line) => {
      const message = line as FromPulse;
      if (message.type === 'estate') estate = readEstate(message.estate);
    });
    socket.once('error', (error) => {
      failure = error;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      if (isConnected && failure !== undefined) reject(failure);
      else resolve(estate);
    });
  });
}
