// The agent's conversation with its pulse: what it is told, and what follows from what it says.

import type { Log } from '../observe/log.ts';
import type { BfdFromPulse } from '../pulse/bfd-link.ts';
import type { FromPulse, LinkCounters, LinkMember, ToPulse } from '../pulse/link.ts';
import { nextDeadNodes } from './dead-nodes.ts';
import { createOwnership, nothingOwned, type OwnedMessage, type Ownership } from './ownership.ts';

/** The client's side of the socket, as `connectPulse` makes it. */
export type ConnectPulse = (handlers: {
  connected(): void;
  message(message: FromPulse): void;
  disconnected(error: Error | undefined): void;
}) => { send(message: ToPulse): void } & Disposable;

export interface PulseConnectionOptions {
  readonly connect: ConnectPulse;
  readonly node: string;
  readonly keyFile: string;
  readonly log: Log;
  /** Pulse is there and has told what it owns. `isWarm`: it has a table already, from an agent before. */
  readonly linked: (isWarm: boolean) => void;
  readonly unlinked: () => void;
  /** These nodes died, or live again. */
  readonly livesChanged: (nodes: ReadonlySet<string>) => void;
  /** These addresses came, went or changed. */
  readonly ownedChanged: (addresses: ReadonlySet<string>, message: OwnedMessage) => void;
  readonly leasesTold: (leases: LeasesMessage) => void;
  readonly bfdTold: (message: BfdFromPulse) => void;
  /** There is a new connection: what pulse forgets with the old one is to be told again. */
  readonly connected: () => void;
  /** Anything that a report shows is new. */
  readonly changed: () => void;
}

export interface PulseConnection extends Disposable {
  readonly isConnected: boolean;
  /** It is known what pulse owns: it has told, or has been away for too long to own anything. */
  readonly isHeard: boolean;
  /** Undefined until pulse has said hello once. */
  readonly version: string | undefined;
  /** Undefined until pulse has told. */
  readonly members: MembersMessage | undefined;
  readonly leases: LeasesMessage | undefined;
  readonly deadNodes: ReadonlySet<string>;
  readonly ownership: Ownership;
  readonly counters: ReadonlyMap<string, LinkCounters>;
  /** Who the members are; told to pulse now, and whenever it connects anew. */
  configure(members: readonly LinkMember[]): void;
  send(message: ToPulse): void;
}

export type MembersMessage = Extract<FromPulse, { type: 'members' }>;
export type LeasesMessage = Extract<FromPulse, { type: 'leases' }>;

/** A pulse that is away for so long answers for nothing: it has died, not merely restarted its socket. */
const graceMilliseconds = 3000;

export function createPulseConnection(options: PulseConnectionOptions): PulseConnection {
  const { node, keyFile, log } = options;
  const ownership = createOwnership();
  const counters = new Map<string, LinkCounters>();
  let isConnected = false;
  let isLinked = false;
  let isHeard = false;
  let isWarm = false;
  /** Pulse has said that another takes its place. */
  let isExpected = false;
  let version: string | undefined;
  let members: MembersMessage | undefined;
  let leases: LeasesMessage | undefined;
  let deadNodes: ReadonlySet<string> = new Set();
  let configuration: ToPulse | undefined;
  let grace: NodeJS.Timeout | undefined;

  const takeOwned = (message: OwnedMessage): void => {
    isHeard = true;
    options.ownedChanged(ownership.apply(message), message);
    options.changed();
  };

  const startGrace = (): void => {
    clearTimeout(grace);
    grace = setTimeout(() => takeOwned(nothingOwned), graceMilliseconds);
    grace.unref();
  };

  const takeMembers = (next: MembersMessage): void => {
    const dead = nextDeadNodes(deadNodes, next.members);
    const changed = dead.symmetricDifference(deadNodes);
    members = next;
    deadNodes = dead;
    if (changed.size > 0) options.livesChanged(changed);
    options.changed();
  };

  const take = (message: FromPulse): void => {
    switch (message.type) {
      case 'hello':
        version = message.version;
        isWarm = message.node === node;
        log.info('pulse-connected', { version, pid: message.pid, warm: isWarm });
        return;
      case 'members':
        takeMembers(message);
        return;
      case 'owned':
        clearTimeout(grace);
        takeOwned(message);
        if (!isLinked) options.linked(isWarm);
        isLinked = true;
        return;
      case 'counters':
        for (const entry of message.addresses) counters.set(entry.address, entry);
        return;
      case 'leases':
        leases = message;
        options.leasesTold(message);
        return;
      case 'stopping':
        isExpected = message.isReplaced === true;
        log.info(isExpected ? 'pulse-replaced' : 'pulse-stopping');
        return;
      case 'bfd':
      case 'bfd-counters':
        options.bfdTold(message);
        return;
      case 'bgp-routes':
      case 'estate':
        return;
      default:
        message satisfies never;
    }
  };

  const client = options.connect({
    connected() {
      isConnected = true;
      isExpected = false;
      counters.clear();
      if (configuration !== undefined) client.send(configuration);
      options.connected();
    },
    message: take,
    disconnected(error) {
      if (!isConnected) return log.debug('pulse-not-reached', { error });
      isConnected = false;
      isLinked = false;
      options.unlinked();
      startGrace();
      options.changed();
      if (isExpected) return;
      log.warn('pulse-lost', { error, next: 'If it does not come back, start gantry pulse on this node.' });
    },
  });
  startGrace();

  return {
    get isConnected() {
      return isConnected;
    },
    get isHeard() {
      return isHeard;
    },
    get version() {
      return version;
    },
    get members() {
      return members;
    },
    get leases() {
      return leases;
    },
    get deadNodes() {
      return deadNodes;
    },
    ownership,
    counters,
    configure(list) {
      configuration = { type: 'configure', node, members: list, keyFile };
      client.send(configuration);
    },
    send: (message) => client.send(message),
    [Symbol.dispose]() {
      clearTimeout(grace);
      client[Symbol.dispose]();
    },
  };
}
