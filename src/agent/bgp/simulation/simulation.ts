// Our speaker and a router over bad TCP, in virtual time: routes and configurations change, connections break in every way,
// either side dies and comes back. Whatever happened, the router's table becomes the plan soon after it has stopped.
import { isDeepStrictEqual } from 'node:util';
import type { PathIntent } from '../../../announce/bgp/path-set.ts';
import type { Prefix } from '../../../announce/bgp/prefix.ts';
import { seeded } from '../../../collections/seeded.ts';
import { formatCidr } from '../../../model/address.ts';
import { sampleAddress } from '../../../model/sample.ts';
import { silentLog } from '../../../observe/log.ts';
import type { ConnectionHandlers } from '../connection.ts';
import { configurationOf, modelSettings } from '../model-peer.ts';
import type { PeerConfiguration } from '../peer-configuration.ts';
import { createSpeaker, type Speaker } from '../speaker.ts';
import type { Surroundings } from '../surroundings.ts';
import { createRouter } from './router.ts';
import { createVirtualClock } from './virtual-clock.ts';
import { createWires, type WireEnd } from './wire.ts';

export interface Outcome {
  /** What was wrong; empty: nothing. */
  readonly complaints: readonly string[];
  /** What happened, a line each. */
  readonly trace: readonly string[];
}

interface Planned {
  readonly prefix: Prefix;
  readonly intent: PathIntent;
  readonly version: number;
}

const restart = { restartTimeSeconds: 120, longLivedSeconds: 0, endOfRibSeconds: 60 };
/** The longest hold time, the longest wait for the next try, and what is under way. */
const settleMilliseconds = 90_000 + 2 * 30_000 + 10_000;
/** To an attempt's end, or the next one. */
const longestTryMilliseconds = 30_000;
const toleranceMilliseconds = 100;
const quietMilliseconds = 300_000;

/** The same for the same seed. */
export function simulate(seed: number, steps: number): Outcome {
  const random = seeded(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const oneOf = <T>(...all: readonly T[]): T => all[below(all.length)] as T;
  const clock = createVirtualClock();
  const wires = createWires(clock, random);
  const trace: string[] = [];
  const complaints: string[] = [];
  const note = (text: string): void => void trace.push(`${(clock.now / 1000).toFixed(3)} ${text}`);
  const complain = (text: string): void => {
    note(`WRONG: ${text}`);
    complaints.push(text);
  };
  const router = createRouter(clock, { ...modelSettings, families: ['IPv4', 'IPv6'] }, complain);
  const plan = new Map<string, Planned>();
  let version = 0;
  let isListening = true;
  /** When bytes came to our side. */
  let heardAt = 0;
  let end: [ours: WireEnd, theirs: WireEnd] | undefined;
  let configuration: PeerConfiguration = configurationOf({ port: 179 }, { connectRetrySeconds: 1 });
  let life = startLife(false);

  /** A process with our speaker in it, until it dies. */
  function startLife(isRestarting: boolean): {
    readonly speaker: Speaker;
    readonly timers: Set<object>;
    die(): void;
  } {
    const timers = new Set<object>();
    let isAlive = true;
    const after = (milliseconds: number, act: () => void): Disposable => {
      const timer = {};
      timers.add(timer);
      if (timers.size > 10) complain(`${timers.size} timers run at once`);
      const due = clock.after(milliseconds, () => {
        timers.delete(timer);
        if (isAlive) act();
      });
      return {
        [Symbol.dispose]() {
          timers.delete(timer);
          due[Symbol.dispose]();
        },
      };
    };
    const surroundings: Surroundings = {
      now: () => clock.now,
      random,
      after,
      soon: (act) => void after(0, act),
      dial(_, { connected, failed }) {
        // Packets are lost: nobody answers, until the caller has had enough.
        if (wires.isCut) return { [Symbol.dispose]() {} };
        return after(1 + random() * 20, () => {
          if (!isListening) return failed('it is refused');
          end = [...wires.connect()];
          const [ours, theirs] = end;
          router.accept(theirs);
          const hear = ({ received, ...rest }: ConnectionHandlers): ConnectionHandlers => ({
            ...rest,
            received(piece) {
              heardAt = clock.now;
              received(piece);
            },
          });
          connected((handlers) => ours.open(hear(handlers)));
        });
      },
    };
    const speaker = createSpeaker({
      isRestarting,
      nextHops: (_, family) => [sampleAddress(family === 'IPv4' ? '192.0.2.11' : '2001:db8::11')],
      log: {
        ...silentLog,
        info: (event, fields) => note(`${event} ${JSON.stringify(fields)}`),
        warn: (event, fields) => note(`${event} ${JSON.stringify(fields)}`),
      },
      changed() {},
      surroundings,
    });
    for (const { prefix, intent } of plan.values()) speaker.want('', prefix, intent);
    speaker.configure([configuration]);
    speaker.begin();
    return {
      speaker,
      timers,
      die() {
        isAlive = false;
      },
    };
  }

  const change = (index: number, isIpv6: boolean): void => {
    const address = sampleAddress(isIpv6 ? '2001:db8:f::' : '198.18.0.0');
    const prefix: Prefix = {
      address: { ...address, value: address.value + BigInt(index) },
      prefixLength: isIpv6 ? 128 : 32,
      pathId: undefined,
    };
    const key = formatCidr(prefix);
    version++;
    if (plan.has(key) && random() < 0.5) {
      plan.delete(key);
      life.speaker.want('', prefix, undefined);
      note(`${key} is wanted no more`);
      return;
    }
    const intent: PathIntent = {
      localPreference: undefined,
      communities: [{ kind: 'large', value: [64500, 1, version] }],
      bandwidthBytesPerSecond: undefined,
    };
    plan.set(key, { prefix, intent, version });
    life.speaker.want('', prefix, intent);
    note(`${key} is wanted at version ${version}`);
  };

  const actions: Readonly<Record<string, () => void>> = {
    'a few routes change': () => {
      for (let count = 1 + below(5); count > 0; count--) change(below(20), random() < 0.3);
    },
    'many routes change': () => {
      for (let index = 0; index < 400; index++) change(100 + index, false);
    },
    'the connection is reset': () => end?.[0].reset(),
    'the cable is pulled': () => {
      wires.isCut = true;
    },
    'the cable is in': () => {
      wires.isCut = false;
    },
    'the router reads nothing': () => end?.[1].setReading(false),
    'the router reads': () => end?.[1].setReading(true),
    'the router loses power': () => {
      router.crash();
      isListening = false;
    },
    'the router listens': () => {
      isListening = true;
    },
    'the router refuses connections': () => {
      isListening = false;
    },
    'the router resets the session': () =>
      router.say({ kind: 'notification', code: 6, subcode: 4, data: new Uint8Array(0) }),
    'the router says nonsense': () => router.sayBytes(Uint8Array.from({ length: 30 }, () => below(256))),
    'the router asks for all routes again': () =>
      router.say({ kind: 'route-refresh', afi: oneOf(1, 2), safi: 1, subtype: 0 }),
    'our process dies': () => {
      life.die();
      if (random() < 0.5) end?.[0].reset();
      else end?.[0].vanish();
      life = startLife(configuration.settings.gracefulRestart !== undefined);
    },
    'the peer is configured otherwise': () => {
      const settings = {
        holdTimeSeconds: oneOf(0, 3, 9, 30, 90),
        families: oneOf(['IPv4'] as const, ['IPv6'] as const, ['IPv4', 'IPv6'] as const),
        gracefulRestart: oneOf(undefined, restart),
        connectRetrySeconds: oneOf(0.1, 1, 10),
      };
      configuration = configurationOf({ port: 179 }, settings);
      note(JSON.stringify(settings));
      life.speaker.configure([configuration]);
    },
  };
  const names = Object.keys(actions);

  /** Our side notices a silent peer in time, and never gives up. */
  const judgeTimers = (): void => {
    const machine = life.speaker.sessions.get('tor')?.machine;
    if (machine === undefined) return;
    const { state, agreement, connections, retryAt } = machine;
    const hold = 1000 * (agreement?.holdTimeSeconds ?? 0);
    const silence = clock.now - heardAt;
    if (state === 'established' && hold > 0 && silence > hold + toleranceMilliseconds)
      complain(`heard nothing for ${silence} ms, with a hold time of ${hold} ms`);
    const [one] = connections;
    const nextAt = one === undefined ? retryAt : one.state === 'connect' ? one.holdAt : clock.now;
    const wait = nextAt - clock.now;
    if (!(wait > -toleranceMilliseconds && wait <= longestTryMilliseconds))
      complain(`tries again in ${wait} ms`);
  };

  const mend = (): void => {
    note('all is well again');
    wires.isCut = false;
    isListening = true;
    end?.[1].setReading(true);
    // Without a hold time a half-open connection is never noticed, by anybody (RFC 4271 §4.2).
    if (configuration.settings.holdTimeSeconds === 0) {
      configuration = configurationOf({ port: 179 }, { ...configuration.settings, holdTimeSeconds: 9 });
      life.speaker.configure([configuration]);
    }
  };

  const judgeTable = (): void => {
    const { families } = configuration.settings;
    const wanted = [...plan].filter(([key]) => families.includes(key.includes(':') ? 'IPv6' : 'IPv4'));
    const table = new Map(wanted.map(([key, planned]) => [key, planned.version]));
    if (!router.isEstablished) complain('there is no session');
    else if (!isDeepStrictEqual(router.table, table)) {
      const found = [...router.table].filter(([key, value]) => table.get(key) !== value);
      const missing = [...table].filter(([key]) => !router.table.has(key));
      complain(`the table is not the plan: ${JSON.stringify({ found, missing })}`);
    }
  };

  const judgeQuiet = (): void => {
    router.watch();
    clock.run(quietMilliseconds);
    if (!router.isEstablished) complain('the session does not last');
    if (router.updates > 0) complain('routes are told that did not change');
    // A keepalive comes after a third of the hold time at the latest, and takes a moment to arrive.
    const most = (1000 * configuration.settings.holdTimeSeconds) / 3 + 50;
    if (router.longestSilence > most)
      complain(`silent for ${router.longestSilence} ms, at most ${most} are right`);
  };

  for (let step = 0; step < steps && complaints.length === 0; step++) {
    const name = oneOf(...names);
    note(name);
    actions[name]?.();
    clock.run(oneOf(0, 1, 30, 500, 5000, 40_000) * (0.5 + random()));
    judgeTimers();
  }
  if (complaints.length === 0) {
    mend();
    clock.run(settleMilliseconds);
    judgeTable();
    for (let count = 20; count > 0; count--) {
      actions['a few routes change']?.();
      clock.run(random() * 100);
    }
    clock.run(1000);
    judgeTable();
    judgeQuiet();
    life.speaker.configure([]);
    clock.run(5000);
    if (life.timers.size > 0) complain(`${life.timers.size} timers are left over`);
    if (end?.[0].isOpen === true) complain('a connection is left over');
  }
  return { complaints, trace };
}
