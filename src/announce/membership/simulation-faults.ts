// Random faults for a simulated cluster, from its seed, and what must hold once they have ended.
import { shareKeys } from '../../model/share.ts';
import { Simulation } from './simulation.ts';
import type { Failback, TwoNodePolicy } from './state.ts';

export interface FaultOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly twoNodes: TwoNodePolicy;
  readonly failback: Failback;
  /** True: nodes leave the cluster and join it, too. */
  readonly changesMembers: boolean;
  readonly faults: number;
  /** True: addresses are spread in shares, and made whole again, too. */
  readonly spreads?: boolean;
  /** Of addresses in a heartbeat: 5 is one. */
  readonly addressBytes?: number | undefined;
}

/** Long enough for every lease, vote and electorate to settle, and for one more try of whoever was refused. */
const quietMilliseconds = 6000;

/** Runs a cluster through faults, with quiet times in between; throws where something that must hold does not. */
export function runFaults(options: FaultOptions): Simulation {
  const names = Array.from({ length: options.nodes }, (_, index) => String.fromCharCode(97 + index));
  const keys = ['k1', 'k2', 'k3'];
  const candidates = new Map(
    keys.map((key, turn) => [key, names.map((_, index) => names[(index + turn) % names.length] ?? '')]),
  );
  const simulation = new Simulation({
    seed: options.seed,
    nodes: names,
    rules: { twoNodes: options.twoNodes, failback: options.failback, addressBytes: options.addressBytes },
    candidates,
  });
  const { random } = simulation;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // never empty here
  const down = new Set<string>();
  const drained = new Set<string>();

  const cutOff = (name: string): void => {
    const direction = pick(['out', 'in', 'both']);
    for (const other of names) {
      if (direction !== 'in') simulation.cut(name, other);
      if (direction !== 'out') simulation.cut(other, name);
    }
  };

  const split = (): void => {
    const half = new Set(names.filter(() => random() < 0.5));
    for (const from of names)
      for (const to of names) if (half.has(from) !== half.has(to)) simulation.cut(from, to);
  };

  const end = (name: string): void => {
    down.add(name);
    if (random() < 0.3) simulation.leave(name);
    else simulation.kill(name);
  };

  const drain = (name: string): void => {
    const wasDrained = drained.delete(name);
    if (!wasDrained) drained.add(name);
    simulation.ready(name, wasDrained);
  };

  const unaware = new Map<string, string>();

  /** One node at a time for an address: another must be there to stand in. */
  const forget = (name: string): void => {
    const key = pick(keys);
    const before = unaware.get(key);
    if (before !== undefined) simulation.aware(before, key, true);
    unaware.set(key, name);
    simulation.aware(name, key, false);
  };

  const joinOrLeave = (name: string): void => {
    const others = simulation.members.filter((one) => one !== name);
    const isIn = simulation.members.includes(name);
    if (!isIn) simulation.setMembers([...others, name].sort());
    else if (others.length >= 3) simulation.setMembers(others);
  };

  const spread = new Set<string>();

  const spreadOrNot = (): void => {
    const key = pick(keys);
    const wasSpread = spread.delete(key);
    if (!wasSpread) spread.add(key);
    simulation.spread(key, !wasSpread);
  };

  /** What is to be spoken for by one each, and what by nobody. */
  const expect = (): void => {
    const [wanted, unwanted] = [keys.filter((key) => !spread.has(key)), [...spread]];
    const ever = simulation.everSpread;
    expectSpeakers(simulation, [...wanted, ...unwanted.flatMap(shareKeys)], 1);
    expectSpeakers(simulation, [...unwanted, ...wanted.filter((key) => ever.has(key)).flatMap(shareKeys)], 0);
  };

  /** Each as often as the others; those that do not apply to the node do nothing. */
  const kinds: readonly ((name: string) => void)[] = [
    () => {
      simulation.network.lossPercent = pick([0, 1, 10, 40]);
      simulation.note(`the network loses ${simulation.network.lossPercent} %`);
    },
    () => {
      simulation.network.mostDelay = pick([0.5, 5, 60, 400]);
      simulation.note(`datagrams take up to ${simulation.network.mostDelay} ms`);
    },
    () => {
      simulation.network.duplicatePercent = pick([0, 10, 50]);
    },
    (name) => simulation.cut(name, pick(names)),
    cutOff,
    split,
    () => simulation.heal(),
    (name) => !down.has(name) && simulation.freeze(name, pick([30, 100, 130, 160, 400, 3000])),
    (name) => !down.has(name) && end(name),
    (name) => down.delete(name) && simulation.start(name),
    (name) => down.delete(name) && simulation.start(name),
    (name) => !down.has(name) && drain(name),
    forget,
    ...(options.changesMembers ? [joinOrLeave] : []),
    ...(options.spreads === true ? [spreadOrNot, spreadOrNot] : []),
  ];
  const fault = (): void => pick(kinds)(pick(names));

  const calm = (): void => {
    simulation.heal();
    Object.assign(simulation.network, { lossPercent: 0, duplicatePercent: 0, mostDelay: 0.5 });
    for (const name of down) simulation.start(name);
    down.clear();
    for (const name of drained) simulation.ready(name, true);
    drained.clear();
    // A frozen one has to wake up first, and may have missed who the members are.
    simulation.run(3000);
    simulation.setMembers(names);
    simulation.run(quietMilliseconds);
    expect();
    if (options.failback !== 'when-stable') {
      const before = simulation.moves.length;
      simulation.run(2000);
      const moved = simulation.moves.slice(before);
      if (moved.length > 0)
        throw new Error(`moved in quiet: ${moved.join('; ')}\n${simulation.trace.join('\n')}`);
    }
  };

  simulation.run(3000);
  expect();
  for (let count = 0; count < options.faults; count++) {
    fault();
    simulation.run(random() * pick([20, 200, 1000]));
    if (count % 25 === 24) calm();
  }
  calm();
  return simulation;
}

function expectSpeakers(simulation: Simulation, keys: readonly string[], count: number): void {
  for (const key of keys) {
    const speakers = simulation.speakers(key);
    if (speakers.length === count) continue;
    throw new Error(
      `seed ${simulation.options.seed}: ${key} has the speakers [${speakers.join()}] in quiet\n${simulation.trace.join('\n')}`,
    );
  }
}
