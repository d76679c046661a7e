// Two of our speakers towards each other over bad TCP, in virtual time: both connect, so that connections collide all the
// time, and either dies and comes back. Soon after it has stopped there is one session, by which each was told all.
import { isDeepStrictEqual } from 'node:util';
import { type Message, readMessage } from '../../../announce/bgp/message.ts';
import type { Prefix } from '../../../announce/bgp/prefix.ts';
import { frames, newStream } from '../../../announce/bgp/stream.ts';
import { routesOf } from '../../../announce/bgp/update.ts';
import { seeded } from '../../../collections/seeded.ts';
import { formatCidr } from '../../../model/address.ts';
import { sampleAddress } from '../../../model/sample.ts';
import { silentLog } from '../../../observe/log.ts';
import type { OpenConnection } from '../connection.ts';
import { configurationOf } from '../model-peer.ts';
import type { PeerConfiguration } from '../peer-configuration.ts';
import { createSpeaker, type Speaker } from '../speaker.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Outcome } from './simulation.ts';
import { createVirtualClock } from './virtual-clock.ts';
import { createWires, type WireEnd } from './wire.ts';

/** A connection as one side has it. */
interface Link {
  readonly end: WireEnd;
  /** What the other has announced on it and not withdrawn. */
  readonly told: Set<string>;
}

interface Side {
  readonly name: string;
  readonly plan: Map<string, Prefix>;
  readonly links: Link[];
  configuration: PeerConfiguration;
  isListening: boolean;
  speaker: Speaker;
  die(): void;
}

/** The longest hold time, some tries of both, and what is under way. */
const settleMilliseconds = 90_000 + 4 * 30_000;
const intent = { localPreference: undefined, communities: [], bandwidthBytesPerSecond: undefined };

/** The same for the same seed. */
export function simulatePair(seed: number, steps: number): Outcome {
  const random = seeded(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const oneOf = <T>(...all: readonly T[]): T => all[below(all.length)] as T;
  const clock = createVirtualClock();
  const wires = createWires(clock, random);
  const trace: string[] = [];
  const complaints: string[] = [];
  const note = (text: string): void => void trace.push(`${(clock.now / 1000).toFixed(3)} ${text}`);

  const settingsOf = (isFirst: boolean, holdTimeSeconds: number) =>
    configurationOf(
      { port: 179 },
      {
        ...(isFirst ? {} : { localAsn: 64501, peerAsn: 64500, routerId: 0xc0000202 }),
        ...{ holdTimeSeconds, connectRetrySeconds: 1 },
      },
    );

  /** A speaker that takes the place of the side's last one. */
  const begin = (side: Omit<Side, 'speaker' | 'die'>, other: () => Side): Pick<Side, 'speaker' | 'die'> => {
    let isAlive = true;
    const after = (milliseconds: number, act: () => void): Disposable =>
      clock.after(milliseconds, () => isAlive && act());
    const surroundings: Surroundings = {
      now: () => clock.now,
      random,
      after,
      soon: (act) => void after(0, act),
      dial(_, { connected, failed }) {
        if (wires.isCut) return { [Symbol.dispose]() {} };
        return after(1 + random() * 20, () => {
          const session = other().speaker.sessions.get('tor');
          if (!other().isListening || session === undefined) return failed('it is refused');
          const [ours, theirs] = wires.connect();
          session.accept(watched(other(), theirs));
          connected(watched(side, ours));
        });
      },
    };
    const log = (event: string, fields?: object): void =>
      note(`${side.name}: ${event} ${JSON.stringify(fields)}`);
    const speaker = createSpeaker({
      isRestarting: false,
      nextHops: () => [sampleAddress('192.0.2.11')],
      log: { ...silentLog, info: log, warn: log },
      changed() {},
      surroundings,
    });
    for (const prefix of side.plan.values()) speaker.want('', prefix, intent);
    speaker.configure([side.configuration]);
    speaker.begin();
    return {
      speaker,
      die() {
        isAlive = false;
      },
    };
  };

  /** The side's end, whose messages are looked at before it has them. */
  const watched = (side: Pick<Side, 'links'>, end: WireEnd): OpenConnection => {
    const link: Link = { end, told: new Set() };
    side.links.push(link);
    const stream = newStream();
    return ({ received, ...rest }) =>
      end.open({
        ...rest,
        received(piece) {
          for (const framed of frames(stream, piece, () => true)) {
            const message = 'error' in framed ? framed : readMessage(framed.bytes, context);
            if ('error' in message) complaints.push(`nonsense: ${JSON.stringify(message.error)}`);
            else learn(link, message);
          }
          received(piece);
        },
      });
  };

  const sides = [true, false].map((isFirst) => {
    const side: Omit<Side, 'speaker' | 'die'> = {
      ...{ name: isFirst ? 'one' : 'two', plan: new Map(), links: [], isListening: true },
      configuration: settingsOf(isFirst, 90),
    };
    return Object.assign(
      side,
      begin(side, () => otherOf(isFirst)),
    );
  }) as [Side, Side];
  const otherOf = (isFirst: boolean): Side => sides[isFirst ? 1 : 0];

  const change = (side: Side, index: number): void => {
    const address = sampleAddress(side.name === 'one' ? '198.18.0.0' : '198.19.0.0');
    const prefix: Prefix = {
      address: { ...address, value: address.value + BigInt(index) },
      ...{ prefixLength: 32, pathId: undefined },
    };
    const key = formatCidr(prefix);
    const isWanted = !side.plan.delete(key);
    if (isWanted) side.plan.set(key, prefix);
    side.speaker.want('', prefix, isWanted ? intent : undefined);
  };

  const open = ({ links }: Side): Link[] => links.filter(({ end }) => end.isOpen);

  const actions: Readonly<Record<string, (side: Side) => void>> = {
    'a few routes change': (side) => {
      for (let count = 1 + below(5); count > 0; count--) change(side, below(20));
    },
    'many routes change': (side) => {
      for (let index = 0; index < 400; index++) change(side, 100 + index);
    },
    'its connections are reset': (side) => open(side).forEach(({ end }) => void end.reset()),
    'the cable is pulled': () => {
      wires.isCut = true;
    },
    'the cable is in': () => {
      wires.isCut = false;
    },
    'it refuses connections': (side) => {
      side.isListening = false;
    },
    'it takes connections': (side) => {
      side.isListening = true;
    },
    'its process dies': (side) => {
      side.die();
      const isReset = random() < 0.5;
      for (const { end } of open(side)) {
        if (isReset) end.reset();
        else end.vanish();
      }
      Object.assign(
        side,
        begin(side, () => otherOf(side.name === 'one')),
      );
    },
    'its hold time changes': (side) => {
      side.configuration = settingsOf(side.name === 'one', oneOf(3, 9, 30, 90));
      side.speaker.configure([side.configuration]);
    },
  };
  const names = Object.keys(actions);

  const judge = (): void => {
    for (const side of sides) {
      const { state, connections } = side.speaker.sessions.get('tor')?.machine ?? {};
      const [link, ...others] = open(side);
      if (state !== 'established' || connections?.length !== 1) complaints.push(`${side.name} is ${state}`);
      if (link === undefined || others.length > 0)
        complaints.push(`${side.name} has ${others.length + (link === undefined ? 0 : 1)} connections`);
      const wanted = new Set(otherOf(side.name === 'one').plan.keys());
      if (link !== undefined && !isDeepStrictEqual(link.told, wanted))
        complaints.push(`${side.name} was told ${link.told.size} routes, and there are ${wanted.size}`);
    }
  };

  for (let step = 0; step < steps && complaints.length === 0; step++) {
    const [name, side] = [oneOf(...names), oneOf(...sides)];
    note(`${side.name}: ${name}`);
    actions[name]?.(side);
    clock.run(oneOf(0, 1, 30, 500, 5000, 40_000) * (0.5 + random()));
  }
  note('all is well again');
  wires.isCut = false;
  for (const side of sides) side.isListening = true;
  clock.run(settleMilliseconds);
  judge();
  const lasting = sides.map((side) => open(side)[0]);
  clock.run(300_000);
  if (
    !isDeepStrictEqual(
      lasting.map((link) => link?.end.isOpen),
      [true, true],
    )
  )
    complaints.push('the session does not last');
  for (const side of sides) side.speaker.configure([]);
  clock.run(5000);
  if (wires.open > 0) complaints.push('a connection is left over');
  return { complaints, trace };
}

const context = { isFourByteAs: true, isExtended: true, isInternal: false, pathIds: new Set<never>() };

function learn({ told }: Link, message: Message): void {
  if (message.kind !== 'update') return;
  const { good, gone } = routesOf(message);
  for (const prefix of gone) told.delete(formatCidr(prefix));
  for (const prefix of good) told.add(formatCidr(prefix));
}
