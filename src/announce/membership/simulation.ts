// A cluster of members in one process, for tests: a virtual clock, a network that does all that networks do, from a seed.
// After every step it looks whether two members speak for one address, by their own clocks.
import { Heap } from '../../collections/heap.ts';
import { seeded } from '../../collections/seeded.ts';
import { addressOfKey, shareKeys } from '../../model/share.ts';
import type { Electorate } from './electorate.ts';
import { createMember, stepMember } from './machine.ts';
import { describeEffect } from './simulation-trace.ts';
import type { Addresses, Claim, MemberEffect, MemberEvent, MemberState, Message, Rules } from './state.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly rules: Rules;
  /** By address, its candidates: the most wanted first. Of each share of one that is spread, another is. */
  readonly candidates: ReadonlyMap<string, readonly string[]>;
}

export interface Network {
  /** Of a hundred datagrams. */
  lossPercent: number;
  duplicatePercent: number;
  readonly leastDelay: number;
  mostDelay: number;
}

interface SimulatedNode {
  readonly name: string;
  state: MemberState;
  starts: number;
  /** Local milliseconds = offset + true milliseconds × rate. */
  readonly rate: number;
  readonly offset: number;
  isRunning: boolean;
  frozenUntil: number;
  /** What came from the agent while it was frozen. */
  waiting: MemberEvent[];
  /** The last electorate that it was told to keep: outlives the process. */
  kept: Electorate | undefined;
  readonly speaking: Map<string, Claim>;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class TwoSpeakersError extends Error {}

/** How often a node's machine is woken. */
const tickMilliseconds = 10;

export class Simulation {
  readonly options: SimulationOptions;
  readonly random: () => number;
  readonly nodes = new Map<string, SimulatedNode>();
  readonly network: Network = { lossPercent: 0, duplicatePercent: 0, leastDelay: 0.05, mostDelay: 0.5 };
  /** Pairs `from to` whose datagrams are lost. */
  readonly cuts = new Set<string>();
  /** `node address`: the node's agent has not told it of the address. */
  readonly #unaware = new Set<string>();
  /** The same, of addresses that it has been told are spread. */
  readonly #spread = new Set<string>();
  readonly #toSpread = new Set<string>();
  /** Addresses that were to be spread at any time. */
  readonly everSpread = new Set<string>();
  /** The nodes of the cluster, as their agents know them. */
  members: readonly string[];
  now = 0;
  steps = 0;
  /** Moves of addresses: `address from to`. */
  readonly moves: string[] = [];
  readonly #lastSpeaker = new Map<string, string>();
  readonly #trace: string[] = [];
  readonly #queue = new Heap<Due>(isBefore);
  #order = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = seeded(options.seed);
    this.members = options.nodes;
    for (const name of options.nodes) this.add(name);
  }

  /** The last of what happened, a line each. */
  get trace(): readonly string[] {
    return this.#trace.slice(-120);
  }

  add(name: string): void {
    const node: SimulatedNode = {
      name,
      state: createMember(name, 1n, 0, this.options.rules, undefined),
      starts: 0,
      rate: 1 + (this.random() - 0.5) * 0.001,
      offset: Math.round(this.random() * 1e6),
      isRunning: false,
      frozenUntil: 0,
      waiting: [],
      kept: undefined,
      speaking: new Map(),
    };
    this.nodes.set(name, node);
    this.start(name);
    const tick = (): void => {
      if (this.nodes.get(name) !== node) return;
      this.#at(this.now + tickMilliseconds, tick);
      this.#step(node, { kind: 'tick' });
    };
    this.#at(this.now + this.random() * tickMilliseconds, tick);
  }

  /** A new process: it knows nothing but the electorate that was kept, unless that is lost too. */
  start(name: string, { forgets = false } = {}): void {
    const node = this.#node(name);
    node.starts++;
    if (forgets) node.kept = undefined;
    node.speaking.clear();
    node.isRunning = true;
    node.frozenUntil = 0;
    node.waiting.length = 0;
    node.state = createMember(name, BigInt(node.starts), this.#local(node), this.options.rules, node.kept);
    this.note(`${name} starts`);
    this.#step(node, { kind: 'nodes', nodes: this.members });
    this.#step(node, { kind: 'ready', ready: 'yes' });
    this.#step(node, { kind: 'touched', keys: this.#addresses(name).keys() });
  }

  kill(name: string): void {
    const node = this.#node(name);
    node.isRunning = false;
    node.speaking.clear();
    this.note(`${name} is killed`);
  }

  leave(name: string): void {
    const node = this.#node(name);
    if (this.now >= node.frozenUntil) this.#step(node, { kind: 'leave' });
    node.isRunning = false;
    node.speaking.clear();
    this.note(`${name} leaves`);
  }

  /** One that is frozen already wakes up no sooner for that. */
  freeze(name: string, milliseconds: number): void {
    const node = this.#node(name);
    node.frozenUntil = Math.max(node.frozenUntil, this.now + milliseconds);
    this.note(`${name} is frozen for ${Math.round(milliseconds)} ms`);
  }

  ready(name: string, ready: boolean): void {
    this.note(`${name} is ${ready ? 'ready' : 'drained'}`);
    this.#step(this.#node(name), { kind: 'ready', ready: ready ? 'yes' : 'no' });
  }

  /** Whether the node's agent has told it of the address. */
  aware(name: string, key: string, isAware: boolean): void {
    this.note(`${name} ${isAware ? 'learns' : 'is not told'} of ${key}`);
    if (isAware) this.#unaware.delete(`${name} ${key}`);
    else this.#unaware.add(`${name} ${key}`);
    this.#step(this.#node(name), { kind: 'touched', keys: [key, ...shareKeys(key)] });
  }

  /** The agents learn that the address is to be spread, or is not any more, each at its time. */
  spread(key: string, isSpread: boolean): void {
    this.note(`${key} is to be ${isSpread ? 'spread' : 'whole'}`);
    if (isSpread) this.#toSpread.add(key);
    else this.#toSpread.delete(key);
    if (isSpread) this.everSpread.add(key);
    for (const { name } of this.nodes.values()) {
      this.#at(this.now + this.random() * 1000, () => {
        if (this.#toSpread.has(key)) this.#spread.add(`${name} ${key}`);
        else this.#spread.delete(`${name} ${key}`);
        this.#step(this.#node(name), { kind: 'touched', keys: [key, ...shareKeys(key)] });
      });
    }
  }

  /** The agents learn of another list of nodes, each at its time. */
  setMembers(members: readonly string[]): void {
    this.members = members;
    this.note(`the nodes are ${members.join(', ')}`);
    for (const node of this.nodes.values())
      this.#at(this.now + this.random() * 2000, () =>
        this.#step(node, { kind: 'nodes', nodes: this.members }),
      );
  }

  cut(from: string, to: string): void {
    this.cuts.add(`${from} ${to}`);
    this.note(`cut ${from} → ${to}`);
  }

  heal(): void {
    this.cuts.clear();
    this.note('all cuts are healed');
  }

  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let next = this.#take(end); next !== undefined; next = this.#take(end)) {
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = end;
  }

  /** Who speaks for the address at this instant, by its own clock. A frozen one may: its answers need not. */
  speakers(key: string): string[] {
    return [...this.nodes.values()]
      .filter((node) => {
        const claim = node.speaking.get(key);
        return claim?.lease !== undefined && claim.lease.deadline > this.#local(node);
      })
      .map(({ name }) => name);
  }

  note(text: string): void {
    this.#trace.push(`${this.now.toFixed(1).padStart(9)} ${text}`);
    if (this.#trace.length > 1000) this.#trace.splice(0, 500);
  }

  #node(name: string): SimulatedNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  #local = (node: SimulatedNode): number => node.offset + this.now * node.rate;

  #addresses = (self: string): Addresses => {
    const { candidates } = this.options;
    return {
      keys: () =>
        [...candidates.keys()]
          .filter((key) => !this.#unaware.has(`${self} ${key}`))
          .flatMap((key) => (this.#spread.has(`${self} ${key}`) ? shareKeys(key) : key)),
      elect: (key, mayHave) => {
        const address = addressOfKey(key);
        const isTold = !this.#unaware.has(`${self} ${address}`);
        if (!isTold || this.#spread.has(`${self} ${address}`) !== (key !== address)) return undefined;
        return this.#candidatesOf(key).find(
          (name) => (name === self || this.members.includes(name)) && mayHave(name),
        );
      },
    };
  };

  /** Each share begins with another of them. */
  #candidatesOf(key: string): readonly string[] {
    const address = addressOfKey(key);
    const order = this.options.candidates.get(address) ?? [];
    if (key === address) return order;
    const first = Number(key.slice(address.length + 1)) % order.length;
    return [...order.slice(first), ...order.slice(0, first)];
  }

  #step(node: SimulatedNode, event: MemberEvent): void {
    if (!node.isRunning) return;
    if (this.now < node.frozenUntil) {
      this.#keep(node, event);
      return;
    }
    this.steps++;
    const addresses = this.#addresses(node.name);
    for (const effect of stepMember(node.state, event, this.#local(node), addresses))
      this.#follow(node, effect);
    while (node.state.dirty.size > 0 && !node.state.leaving) {
      const effects = stepMember(node.state, { kind: 'elect' }, this.#local(node), addresses);
      for (const effect of effects) this.#follow(node, effect);
    }
    this.#check(node);
  }

  /** It waits in this process' sockets, and goes with it. What the agent says comes in its order. */
  #keep(node: SimulatedNode, event: MemberEvent): void {
    const { starts } = node;
    const later = this.random();
    if (event.kind === 'message') {
      this.#at(node.frozenUntil + later, () => {
        if (node.starts === starts) this.#step(node, event);
      });
      return;
    }
    node.waiting.push(event);
    if (node.waiting.length === 1) this.#at(node.frozenUntil, () => this.#thaw(node));
  }

  #thaw(node: SimulatedNode): void {
    if (this.now < node.frozenUntil) this.#at(node.frozenUntil, () => this.#thaw(node));
    else for (const event of node.waiting.splice(0)) this.#step(node, event);
  }

  #follow(node: SimulatedNode, effect: MemberEffect): void {
    if (effect.kind === 'send') this.#send(node.name, effect.message);
    else if (effect.kind === 'speak') {
      const { key } = effect.claim;
      node.speaking.set(key, effect.claim);
      const last = this.#lastSpeaker.get(key);
      if (last !== node.name) this.moves.push(`${key} ${last ?? '-'} ${node.name}`);
      this.#lastSpeaker.set(key, node.name);
    } else if (effect.kind === 'silence') node.speaking.delete(effect.key);
    else if (effect.kind === 'electorate') node.kept = effect.electorate;
    const text = describeEffect(effect);
    if (text !== undefined) this.note(`${node.name} ${text}`);
  }

  #send(from: string, message: Message): void {
    const { network, random } = this;
    const copies = random() * 100 < network.duplicatePercent ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (random() * 100 < network.lossPercent) continue;
      const delay = network.leastDelay + random() ** 3 * (network.mostDelay - network.leastDelay);
      this.#at(this.now + delay, () => {
        const node = this.nodes.get(message.to);
        if (node === undefined || this.cuts.has(`${from} ${message.to}`)) return;
        this.#step(node, { kind: 'message', message });
      });
    }
  }

  /** Whoever has just stepped is the only one who can have begun to speak. */
  #check(node: SimulatedNode): void {
    if (this.options.rules.twoNodes === 'availability' && this.members.length < 3) return;
    for (const [key, claim] of node.speaking) {
      if ((claim.lease?.deadline ?? 0) <= this.#local(node)) continue;
      const speakers = this.#rivals(key);
      if (speakers.length < 2) continue;
      this.note(`${speakers.join(' and ')} both speak for ${key}`);
      throw new TwoSpeakersError(`seed ${this.options.seed}: ${this.trace.join('\n')}`);
    }
  }

  /** Who speaks for it, for the address as a whole, or for any share of what is whole. */
  #rivals(key: string): string[] {
    const address = addressOfKey(key);
    const others = key !== address ? [address] : this.everSpread.has(key) ? shareKeys(key) : [];
    return [...new Set([key, ...others].flatMap((one) => this.speakers(one)))];
  }

  #at(at: number, run: () => void): void {
    this.#order++;
    this.#queue.push({ at, order: this.#order, run });
  }

  #take(end: number): Due | undefined {
    const first = this.#queue.peek();
    return first === undefined || first.at > end ? undefined : this.#queue.pop();
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
