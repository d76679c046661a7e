// One peer's session as it runs: the machine with its sockets and its timer, and the routes that go out.
import type { Agreement } from '../../announce/bgp/agreement.ts';
import { stepSession } from '../../announce/bgp/machine.ts';
import { readMessage, writeMessage } from '../../announce/bgp/message.ts';
import {
  createSession,
  type DownReason,
  nextDeadline,
  type Session,
  type SessionEffect,
  type SessionEvent,
} from '../../announce/bgp/session.ts';
import { frames, newStream, type Stream } from '../../announce/bgp/stream.ts';
import { type Address, type Family, formatAddress, isLinkLocal } from '../../model/address.ts';
import type { Audience } from './audience.ts';
import type { Connection, OpenConnection } from './connection.ts';
import { countMessage, type MessageCounts, noMessages } from './message-counts.ts';
import type { PeerConfiguration } from './peer-configuration.ts';
import { createRouteSender, type RouteSender } from './route-sender.ts';
import type { Surroundings } from './surroundings.ts';

export interface PeerSessionOptions {
  readonly configuration: PeerConfiguration;
  readonly surroundings: Surroundings;
  /** This process has taken the place of one that had sessions (RFC 4724 §4.1). */
  readonly isRestarting: boolean;
  audience(key: string): Audience;
  /** This node's addresses that the peer may send packets to, for a session that ends here at `local`. */
  nextHops(local: Address, family: Family): readonly Address[];
  established(agreement: Agreement): void;
  /** The kernel has all that the peer is to be told for now. */
  told(): void;
  /** The peer has asked for all routes of the family again. */
  refreshAsked(family: Family): void;
  down(reason: DownReason, wasEstablished: boolean): void;
}

export interface PeerSession {
  readonly configuration: PeerConfiguration;
  readonly machine: Session;
  /** When the session came up, or ended, or was wanted first: milliseconds since 1970. */
  readonly since: number;
  readonly sent: MessageCounts;
  readonly received: MessageCounts;
  readonly local: Address | undefined;
  readonly routes: RouteSender;
  step(event: SessionEvent): void;
  /** The peer has connected to us. */
  accept(open: OpenConnection): void;
  /**
   * This node has other addresses than before: what the peer is told follows, without its own the session begins anew. True
   * where something did.
   */
  readdress(gone: ReadonlySet<string>): boolean;
  /** Takes a configuration that differs in the audience alone. */
  move(configuration: PeerConfiguration): void;
}

interface Link {
  pending: Disposable | undefined;
  connection: Connection | undefined;
  readonly stream: Stream;
  /** Bytes wait, and the machine knows. */
  isWaiting: boolean;
}

export function createPeerSession(options: PeerSessionOptions): PeerSession {
  const { surroundings } = options;
  let { configuration } = options;
  const machine = createSession(configuration.settings, options.isRestarting);
  const links = new Map<number, Link>();
  const events: SessionEvent[] = [];
  const sent = noMessages();
  const received = noMessages();
  let since = Date.now();
  let active: Link | undefined;
  let timer: Disposable | undefined;
  let isStepping = false;
  const routes = createRouteSender({
    write(messages) {
      for (const [id, link] of links) if (link === active) return write(link, id, messages);
      return 0;
    },
    told: options.told,
    soon: surroundings.soon,
  });

  /** One event after the other: what an effect leads to comes later. */
  const step = (event: SessionEvent): void => {
    events.push(event);
    if (isStepping) return;
    isStepping = true;
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const wasEstablished = machine.state === 'established';
      for (const effect of stepSession(machine, next, surroundings.now(), surroundings.random))
        carryOut(effect, wasEstablished);
    }
    isStepping = false;
    schedule();
  };

  const schedule = (): void => {
    timer?.[Symbol.dispose]();
    const at = nextDeadline(machine);
    if (at === Number.POSITIVE_INFINITY) return;
    // What has come meanwhile is read first: whoever is late himself must not take the other for dead.
    const tick = (): void => surroundings.soon(() => step({ kind: 'tick' }));
    timer = surroundings.after(Math.max(0, at - surroundings.now()) + 1, tick);
  };

  const carryOut = (effect: SessionEffect, wasEstablished: boolean): void => {
    switch (effect.kind) {
      case 'connect':
        connect(effect.connection);
        return;
      case 'send': {
        const link = links.get(effect.connection);
        if (link !== undefined) write(link, effect.connection, [writeMessage(effect.message)]);
        return;
      }
      case 'close':
        close(effect.connection);
        return;
      case 'established':
        begin(effect.connection, effect.agreement);
        return;
      case 'down':
        routes.end();
        active = undefined;
        if (wasEstablished) since = Date.now();
        options.down(effect.reason, wasEstablished);
        return;
      case 'resend':
        options.refreshAsked(effect.family);
        routes.resend(effect.family, effect.isMarked);
        return;
      // We take no routes: what the peer says of its own is of no matter here.
      case 'update':
      case 'stale':
        return;
      default:
        effect satisfies never;
    }
  };

  const connect = (id: number): void => {
    const link = newLink();
    links.set(id, link);
    link.pending = surroundings.dial(configuration.path, {
      connected(open) {
        link.pending = undefined;
        if (attach(link, id, open)) step({ kind: 'connected', connection: id });
        else step({ kind: 'closed', connection: id, text: 'it was closed at once' });
      },
      failed: (text) => step({ kind: 'closed', connection: id, text }),
    });
  };

  const attach = (link: Link, id: number, open: OpenConnection): boolean => {
    link.connection = open({
      received: (piece) => hear(link, id, piece),
      drained: () => {
        link.isWaiting = false;
        step({ kind: 'socket', connection: id, waitingBytes: 0 });
        if (link === active) routes.drained();
      },
      closed(text) {
        links.delete(id);
        step({ kind: 'closed', connection: id, text });
      },
    });
    return link.connection !== undefined;
  };

  const hear = (link: Link, id: number, piece: Uint8Array): void => {
    const agreement = () => machine.connections.find((one) => one.id === id)?.agreement;
    for (const framed of frames(link.stream, piece, () => agreement()?.isExtended ?? false)) {
      if ('error' in framed) {
        step({ kind: 'bad-message', connection: id, error: framed.error });
        return;
      }
      countMessage(received, framed.bytes);
      const { isFourByteAs = true, isInternal = false, isExtended = false } = agreement() ?? {};
      const message = readMessage(framed.bytes, { isFourByteAs, isInternal, isExtended, pathIds: none });
      if ('error' in message) step({ kind: 'bad-message', connection: id, error: message.error });
      else step({ kind: 'message', connection: id, message });
      if (links.get(id) !== link) return;
    }
  };

  /** Returns how many bytes wait now. */
  const write = (link: Link, id: number, messages: readonly Uint8Array[]): number => {
    const { connection } = link;
    const [only] = messages;
    if (connection === undefined || only === undefined) return 0;
    for (const message of messages) countMessage(sent, message);
    connection.send(messages.length === 1 ? only : Buffer.concat(messages));
    const { waitingBytes } = connection;
    if (waitingBytes > 0 && !link.isWaiting) {
      link.isWaiting = true;
      step({ kind: 'socket', connection: id, waitingBytes });
    }
    return waitingBytes;
  };

  const close = (id: number): void => {
    const link = links.get(id);
    links.delete(id);
    link?.pending?.[Symbol.dispose]();
    link?.connection?.close();
  };

  const nextHopsFor = (local: Address, family: Family, { hasExtendedNextHop }: Agreement) => {
    // Between link-local addresses all goes by these: the other addresses of the interface are of no network of the peer's.
    if (hasExtendedNextHop && isLinkLocal(local)) return [local];
    const own = options.nextHops(local, family);
    return own.length > 0 || !hasExtendedNextHop ? own : options.nextHops(local, 'IPv6');
  };

  const begin = (id: number, agreement: Agreement): void => {
    const link = links.get(id);
    const local = link?.connection?.local;
    if (link === undefined || local === undefined) return;
    active = link;
    since = Date.now();
    for (const family of agreement.families) {
      const { isInternal, isFourByteAs, isExtended } = agreement;
      const nextHops = nextHopsFor(local, family, agreement);
      const { localAsn } = configuration.settings;
      const manner = { family, isInternal, isFourByteAs, isExtended, localAsn, nextHops };
      routes.add(options.audience(configuration.audience).join(manner));
    }
    options.established(agreement);
    routes.changed();
  };

  return {
    get configuration() {
      return configuration;
    },
    machine,
    get since() {
      return since;
    },
    sent,
    received,
    get local() {
      return active?.connection?.local;
    },
    routes,
    step,
    accept(open) {
      const id = machine.nextConnection;
      const link = newLink();
      links.set(id, link);
      if (attach(link, id, open)) step({ kind: 'accepted' });
      else links.delete(id);
    },
    readdress(gone) {
      const local = active?.connection?.local;
      const { agreement } = machine;
      if (local === undefined || agreement === undefined) return false;
      if (gone.has(formatAddress(local))) {
        const communication = `${formatAddress(local)} is not an address of this node any more`;
        step({ kind: 'stop', why: 'reset', communication });
        step({ kind: 'start' });
        return true;
      }
      const audience = options.audience(configuration.audience);
      const redirected = agreement.families.filter((family) =>
        routes.redirect(family, nextHopsFor(local, family, agreement), audience),
      );
      return redirected.length > 0;
    },
    move(next) {
      const [from, to] = [configuration, next].map(({ audience }) => options.audience(audience));
      configuration = next;
      if (from === undefined || to === undefined) return;
      routes.move(from, to);
    },
  };
}

const none: ReadonlySet<Family> = new Set();

const newLink = (): Link => ({
  pending: undefined,
  connection: undefined,
  stream: newStream(),
  isWaiting: false,
});
