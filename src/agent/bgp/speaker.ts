// The BGP speaker of this node: a session for each peer, and the routes that each is told.
import { downText } from '../../announce/bgp/down-text.ts';
import type { PathIntent } from '../../announce/bgp/path-set.ts';
import type { Prefix } from '../../announce/bgp/prefix.ts';
import { type DownReason, noAnswer, type SessionEvent } from '../../announce/bgp/session.ts';
import { type Address, type Family, formatAddress, sameAddress } from '../../model/address.ts';
import type { Log } from '../../observe/log.ts';
import { type Audience, createAudience } from './audience.ts';
import { openerOf } from './connection.ts';
import { leaveMilliseconds } from './departure.ts';
import type { AcceptedPeer } from './listener.ts';
import { dynamicPeer, type PeerConfiguration, peerChange, sessionName } from './peer-configuration.ts';
import { formatPeer, type PeerPath } from './peer-path.ts';
import { createPeerSession, type PeerSession } from './peer-session.ts';
import { realSurroundings, type Surroundings } from './surroundings.ts';

export interface SpeakerOptions {
  /** This process has taken the place of one that had sessions, whose routes the peers may still have. */
  readonly isRestarting: boolean;
  /** This node's addresses that a peer may send packets to, for a session that ends here at `local`. */
  nextHops(local: Address, family: Family): readonly Address[];
  readonly log: Log;
  /** The real ones, unless it is said. */
  readonly surroundings?: Surroundings;
  /** A session came up or went down. */
  readonly changed: (peer: string) => void;
  /** A peer has been told all that there is for now. */
  readonly told?: (peer: string) => void;
}

export interface Speaker {
  /** By the session's name. */
  readonly sessions: ReadonlyMap<string, PeerSession>;
  /** By the same: why each session ended or could not be, in words; gone once it is Established. */
  readonly lastErrors: ReadonlyMap<string, string>;
  /** All peers that there should be. A session that is not changed is not touched. */
  configure(peers: readonly PeerConfiguration[]): void;
  /** The routes are all there: sessions may begin, as what they are told is whole. */
  begin(): void;
  /** Equal intents must be the same object; undefined withdraws. */
  want(audience: string, prefix: Prefix, intent: PathIntent | undefined): void;
  /** All routes ask to be left from now on, or do so no more (RFC 8326). */
  setLeaving(isLeaving: boolean): void;
  /** This node has other addresses now; these it has no more. True where it makes a difference. */
  readdress(gone: ReadonlySet<string>): boolean;
  bfdChanged(peer: string, isUp: boolean): void;
  /** A connection from outside: to the session that it belongs to, or one of its own where its address is of a peer's range. */
  accept(connection: AcceptedPeer): void;
  /**
   * Ends all sessions. Peers with graceful restart keep the routes, for whoever takes this one's place; the others are
   * asked to move their traffic first, and told that this is the end a moment later.
   */
  close(): Promise<void>;
}

export function createSpeaker(options: SpeakerOptions): Speaker {
  const { log, surroundings = realSurroundings } = options;
  const sessions = new Map<string, PeerSession>();
  const audiences = new Map<string, Audience>();
  const lastErrors = new Map<string, string>();
  let hasBegun = false;
  let isLeaving = false;
  let isClosed = false;

  const audienceOf = (key: string): Audience => {
    const known = audiences.get(key);
    if (known !== undefined) return known;
    const made = createAudience();
    made.setLeaving(isLeaving);
    audiences.set(key, made);
    return made;
  };

  const start = (configuration: PeerConfiguration): PeerSession => {
    const { path, isDynamic } = configuration;
    const name = sessionName(configuration);
    const about = { peer: name, address: formatPeer(path) };
    const session = createPeerSession({
      configuration,
      surroundings,
      // What is added or changed later has not been there before (RFC 4724 §4.1).
      isRestarting: options.isRestarting && !hasBegun,
      audience: audienceOf,
      nextHops: options.nextHops,
      told: () => options.told?.(name),
      refreshAsked: (family) => log.info('bgp-refresh-asked', { ...about, family }),
      established({ families, peerAsn, holdTimeSeconds }) {
        lastErrors.delete(name);
        log.info('bgp-established', { ...about, families, peerAsn, holdTimeSeconds });
        options.changed(name);
      },
      down(reason, wasEstablished) {
        const text = reasonText(reason, path);
        // Once for each reason: retries bring the same again and again.
        const isNews = wasEstablished || lastErrors.get(name) !== text;
        if (isPlanned(reason) || isClosed) log.info('bgp-closed', { ...about, reason: text });
        else {
          lastErrors.set(name, text);
          const fields = { ...about, reason: text, next: advice };
          if (isNews) log.warn(wasEstablished ? 'bgp-down' : 'bgp-not-established', fields);
          else log.debug('bgp-not-established', fields);
        }
        if (isNews) options.changed(name);
        // Whoever is known by its connection alone is forgotten with it.
        if (isDynamic)
          surroundings.soon(
            () => sessions.get(name) === session && stop(name, { kind: 'stop', why: 'deconfigured' }),
          );
      },
    });
    sessions.set(name, session);
    if (hasBegun) session.step({ kind: 'start' });
    return session;
  };

  /** For a stranger whose address is of a peer's range; undefined: of none, or there are too many. */
  const startDynamic = (address: Address): PeerSession | undefined => {
    const known = [...sessions.values()].map(({ configuration }) => configuration);
    for (const peer of known) {
      const configuration = dynamicPeer(peer, address);
      if (configuration === undefined) continue;
      const count = known.filter(({ name, isDynamic }) => isDynamic && name === peer.name).length;
      if (count < mostDynamic) return start(configuration);
      log.warn('bgp-range-full', { peer: peer.name, address: formatAddress(address), next: rangeAdvice });
    }
    return undefined;
  };

  const stop = (name: string, event: SessionEvent): void => {
    sessions.get(name)?.step(event);
    sessions.delete(name);
    lastErrors.delete(name);
    options.changed(name);
  };

  return {
    sessions,
    lastErrors,
    configure(peers) {
      if (isClosed) return;
      const wanted = new Map(peers.map((peer) => [peer.name, peer]));
      for (const [name, { configuration }] of sessions) {
        const parent = configuration.isDynamic ? wanted.get(configuration.name) : undefined;
        const own = parent && dynamicPeer(parent, configuration.path.peer);
        // One that is configured by itself now begins anew as that.
        if (own !== undefined && !isConfigured(peers, own)) wanted.set(name, own);
      }
      for (const name of [...sessions.keys()])
        if (!wanted.has(name)) stop(name, { kind: 'stop', why: 'deconfigured' });
      for (const [name, peer] of wanted) {
        const session = sessions.get(name);
        if (session === undefined) {
          start(peer);
          continue;
        }
        const change = peerChange(session.configuration, peer);
        if (change === 'audience') session.move(peer);
        if (change !== 'session') continue;
        stop(name, { kind: 'stop', why: 'configuration-change' });
        if (!peer.isDynamic) start(peer);
      }
    },
    begin() {
      if (hasBegun || isClosed) return;
      hasBegun = true;
      for (const session of sessions.values()) session.step({ kind: 'start' });
    },
    want(key, prefix, intent) {
      audienceOf(key).want(prefix, intent);
      for (const session of sessions.values())
        if (session.configuration.audience === key) session.routes.changed();
    },
    setLeaving(next) {
      isLeaving = next;
      for (const audience of audiences.values()) audience.setLeaving(next);
      for (const session of sessions.values()) session.routes.changed();
    },
    readdress(gone) {
      let isNews = false;
      for (const [name, session] of sessions) {
        const { local } = session;
        if (local !== undefined && gone.has(formatAddress(local)))
          log.warn('bgp-address-gone', { peer: name, address: formatAddress(local), next: addressAdvice });
        if (session.readdress(gone)) isNews = true;
      }
      return isNews;
    },
    bfdChanged(peer, isUp) {
      sessions.get(peer)?.step({ kind: isUp ? 'bfd-up' : 'bfd-down' });
    },
    accept(connection) {
      const { peer, device } = connection;
      const configured = [...sessions.values()].find(
        ({ configuration: { path } }) =>
          sameAddress(path.peer, peer) && (device === undefined || device === path.device),
      );
      const session = configured ?? (hasBegun && !isClosed ? startDynamic(peer) : undefined);
      if (session === undefined || isClosed) connection.refuse();
      else session.accept(openerOf(connection.take(session.configuration.path)));
    },
    async close() {
      isClosed = true;
      const restarts = ({ configuration }: PeerSession): boolean =>
        configuration.settings.gracefulRestart !== undefined;
      const leaving = [...sessions.values()].filter((session) => !restarts(session));
      for (const session of sessions.values())
        if (restarts(session)) session.step({ kind: 'stop', why: 'planned-restart' });
      if (leaving.some(({ machine }) => machine.state === 'established')) {
        for (const audience of audiences.values()) audience.setLeaving(true);
        for (const session of leaving) session.routes.changed();
        await new Promise<void>((resolve) => void surroundings.after(leaveMilliseconds, resolve));
      }
      for (const session of leaving)
        session.step({
          kind: 'stop',
          why: 'shutdown',
          communication: 'Gantry is being stopped on this node',
        });
    },
  };
}

const isConfigured = (peers: readonly PeerConfiguration[], { path }: PeerConfiguration): boolean =>
  peers.some((peer) => sameAddress(peer.path.peer, path.peer));

/** Of one range. */
const mostDynamic = 100;

const rangeAdvice = `Each range has ${mostDynamic} sessions at most: narrow it, or add another BGPPeer.`;

const advice = 'It is tried again by itself; gantry bgp peers on this node tells how it stands.';

const addressAdvice =
  'The session is made anew from another address. Give the node its address back, or the peer the new one.';

/** Packets that are signed otherwise are dropped by either side without a word. */
function reasonText(reason: DownReason, { password }: PeerPath): string {
  const isSilent = reason.kind === 'closed' && reason.text === noAnswer;
  const hint = '; check that it has the same password, as nobody answers where passwords differ';
  return downText(reason) + (isSilent && password !== undefined ? hint : '');
}

/** We have ended it ourselves, knowing why. */
const isPlanned = (reason: DownReason): boolean =>
  reason.kind === 'planned-restart' ||
  (reason.kind === 'sent' &&
    reason.notification.code === 6 &&
    plannedSubcodes.has(reason.notification.subcode));

/** Administrative shutdown and reset, deconfigured, configuration change, hard reset (RFC 4486, RFC 8538). */
const plannedSubcodes: ReadonlySet<number> = new Set([2, 3, 4, 6, 9]);
