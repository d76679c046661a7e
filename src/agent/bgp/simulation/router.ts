// A router for simulations, written apart from our own machine: it takes sessions, keeps the table that it is told, holds it
// over a graceful restart (RFC 4724), and complains of what a speaker must never do.

import { ourOpen } from '../../../announce/bgp/agreement.ts';
import type { Attribute } from '../../../announce/bgp/attribute.ts';
import type { GracefulRestart } from '../../../announce/bgp/capability.ts';
import { keepalive, type Message, readMessage, writeMessage } from '../../../announce/bgp/message.ts';
import { notification } from '../../../announce/bgp/notification.ts';
import type { PeerSettings } from '../../../announce/bgp/settings.ts';
import { frames, newStream } from '../../../announce/bgp/stream.ts';
import { endOfRibOf, routesOf, type Update } from '../../../announce/bgp/update.ts';
import { type Family, formatCidr } from '../../../model/address.ts';
import type { Connection } from '../connection.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { WireEnd } from './wire.ts';

export interface Router {
  /** By prefix: the version of the route that it was told, which the route's large community has. */
  readonly table: ReadonlyMap<string, number>;
  readonly isEstablished: boolean;
  /** Of the present session; whole milliseconds. */
  readonly longestSilence: number;
  readonly updates: number;
  accept(end: WireEnd): void;
  say(message: Message): void;
  sayBytes(bytes: Uint8Array): void;
  /** Its power fails: the table is gone, and nobody is told. */
  crash(): void;
  /** Measures silence and counts updates from now on. */
  watch(): void;
}

interface Peering {
  readonly end: WireEnd;
  readonly connection: Connection;
  state: 'waiting' | 'open' | 'established';
  restart: GracefulRestart | undefined;
  holdMilliseconds: number;
  hold: Disposable | undefined;
  beat: Disposable | undefined;
}

const ownHoldSeconds = 90;

export function createRouter(
  clock: VirtualClock,
  settings: PeerSettings,
  complain: (text: string) => void,
): Router {
  const table = new Map<string, { version: number; isStale: boolean }>();
  /** The version that was withdrawn last, by prefix: it must never come again. */
  const withdrawn = new Map<string, number>();
  let current: Peering | undefined;
  let staleTimer: Disposable | undefined;
  let heardAt = 0;
  let longestSilence = 0;
  let updates = 0;

  const say = (peering: Peering, message: Message): void => peering.connection.send(writeMessage(message));

  const rest = (peering: Peering): void => {
    peering.hold?.[Symbol.dispose]();
    peering.beat?.[Symbol.dispose]();
  };

  const end = (peering: Peering, isKept: boolean): void => {
    rest(peering);
    if (peering !== current) return;
    current = undefined;
    const { restart } = peering;
    if (!isKept || restart === undefined || peering.state !== 'established') {
      if (peering.state === 'established') table.clear();
      return;
    }
    for (const route of table.values()) route.isStale = true;
    staleTimer?.[Symbol.dispose]();
    staleTimer = clock.after(1000 * restart.restartTimeSeconds, () => sweep(undefined));
  };

  /** Stale routes go: all, or those of a family whose table has come. */
  const sweep = (family: Family | undefined): void => {
    for (const [prefix, { isStale }] of table)
      if (isStale && (family === undefined || prefix.includes(':') === (family === 'IPv6')))
        table.delete(prefix);
  };

  const refuse = (peering: Peering, code: number, subcode: number): void => {
    say(peering, notification(code, subcode));
    peering.connection.close();
    end(peering, false);
  };

  const renew = (peering: Peering): void => {
    peering.hold?.[Symbol.dispose]();
    if (peering.holdMilliseconds > 0)
      peering.hold = clock.after(peering.holdMilliseconds, () => refuse(peering, 4, 0));
  };

  const beat = (peering: Peering): void => {
    if (peering.holdMilliseconds === 0) return;
    say(peering, keepalive);
    peering.beat = clock.after(peering.holdMilliseconds / 3, () => beat(peering));
  };

  const meet = (peering: Peering, open: Extract<Message, { kind: 'open' }>): void => {
    const restart = open.capabilities.find((one) => one.kind === 'graceful-restart');
    if (current !== undefined && current !== peering) {
      // A restarted speaker's new connection takes the place of the old one (RFC 4724 §5); else the old one stays (§6.8).
      if (current.state === 'established' && restart === undefined) {
        refuse(peering, 6, 7);
        return;
      }
      const { connection } = current;
      end(current, true);
      connection.close();
    }
    current = peering;
    peering.restart = restart;
    peering.holdMilliseconds = 1000 * Math.min(open.holdTimeSeconds, ownHoldSeconds);
    peering.state = 'open';
    const isKept = (family: { afi: number }): boolean =>
      restart?.families.some(({ afi, isForwarding }) => afi === family.afi && isForwarding) === true;
    for (const [prefix, { isStale }] of table)
      if (isStale && !isKept({ afi: prefix.includes(':') ? 2 : 1 })) table.delete(prefix);
    say(peering, ourOpen(settings, false));
    beat(peering);
    renew(peering);
  };

  const learn = (update: Update): void => {
    if (update.faults.length > 0) complain(`a faulty UPDATE: ${JSON.stringify(update.faults)}`);
    const { good, gone } = routesOf(update);
    const version = versionOf(update.attributes);
    for (const prefix of gone.map(formatCidr)) {
      const known = table.get(prefix);
      if (known !== undefined) withdrawn.set(prefix, known.version);
      table.delete(prefix);
    }
    for (const prefix of good.map(formatCidr)) {
      const least = withdrawn.get(prefix) ?? -1;
      const known = table.get(prefix)?.version ?? -1;
      if (version <= least)
        complain(`${prefix} was withdrawn at version ${least} and comes again as ${version}`);
      if (version < known) complain(`${prefix} goes back from version ${known} to ${version}`);
      table.set(prefix, { version, isStale: false });
    }
    const family = endOfRibOf(update);
    if (family !== undefined) sweep(family);
  };

  const hear = (peering: Peering, message: Message): void => {
    longestSilence = Math.max(longestSilence, clock.now - heardAt);
    heardAt = clock.now;
    if (peering !== current && message.kind !== 'open') return;
    if (message.kind !== 'open') renew(peering);
    switch (message.kind) {
      case 'open':
        meet(peering, message);
        return;
      case 'keepalive':
        if (peering.state === 'open') {
          peering.state = 'established';
          staleTimer?.[Symbol.dispose]();
          staleTimer = clock.after(60_000, () => sweep(undefined));
        }
        return;
      case 'update':
        if (peering.state !== 'established') complain('an UPDATE before the session is Established');
        updates++;
        learn(message);
        return;
      case 'notification':
        peering.connection.close();
        end(peering, false);
        return;
      case 'route-refresh':
        return;
      default:
        message satisfies never;
    }
  };

  return {
    get table() {
      return new Map([...table].map(([prefix, { version }]) => [prefix, version]));
    },
    get isEstablished() {
      return current?.state === 'established';
    },
    get longestSilence() {
      return Math.round(Math.max(longestSilence, clock.now - heardAt));
    },
    get updates() {
      return updates;
    },
    accept(wire) {
      const stream = newStream();
      const connection = wire.open({
        received(piece) {
          for (const framed of frames(stream, piece, () => true)) {
            const message = 'error' in framed ? framed : readMessage(framed.bytes, context);
            if ('error' in message) return complain(`nonsense: ${JSON.stringify(message.error)}`);
            hear(peering, message);
          }
        },
        drained() {},
        closed: () => end(peering, true),
      });
      const peering: Peering = {
        ...{ end: wire, connection, state: 'waiting', restart: undefined },
        ...{ holdMilliseconds: 240_000, hold: undefined, beat: undefined },
      };
      renew(peering);
    },
    say(message) {
      if (current?.state === 'established') say(current, message);
    },
    sayBytes(bytes) {
      current?.connection.send(bytes);
    },
    crash() {
      if (current !== undefined) {
        rest(current);
        current.end.vanish();
      }
      current = undefined;
      staleTimer?.[Symbol.dispose]();
      table.clear();
    },
    watch() {
      heardAt = clock.now;
      longestSilence = 0;
      updates = 0;
    },
  };
}

const context = { isFourByteAs: true, isExtended: true, isInternal: false, pathIds: new Set<never>() };

const versionOf = (attributes: readonly Attribute[]): number =>
  attributes.flatMap((one) => (one.kind === 'large-communities' ? one.communities : []))[0]?.[2] ?? -1;
