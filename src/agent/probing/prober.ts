// The agent's probing of free addresses: what is wanted, the rounds, and what is told of them.
import { formatMac } from '../../announce/layer2/ethernet.ts';
import { nodeInterfaces } from '../../announce/layer2/interfaces.ts';
import { type ProbePlan, probePlan } from '../../announce/layer2/probe-targets.ts';
import { createProbing, tickMilliseconds } from '../../announce/layer2/probing.ts';
import { renderAddressProbe } from '../../api/address-probe.ts';
import type { Link } from '../../linux/links.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import type { AddressProbe, Stranger } from '../../model/address-probe.ts';
import type { World } from '../../model/world.ts';
import type { Log } from '../../observe/log.ts';
import type { StatusWriter } from '../status-writer.ts';
import type { ProbeListeners } from './listeners.ts';

export interface AddressProberOptions {
  readonly node: string;
  readonly world: World;
  readonly isAllocated: (address: Address) => boolean;
  readonly deadNodes: () => ReadonlySet<string>;
  /** Names of the links that announcements are made on, as pulse has told. */
  readonly usableInterfaces: () => readonly string[];
  readonly listLinks: () => readonly Link[];
  readonly openListeners: (heard: (address: Address, mac: string) => void) => ProbeListeners;
  readonly statuses: StatusWriter;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface AddressProber {
  /** The objects are known, or others: what is wanted may be other addresses. */
  touch(): void;
  readonly strangers: readonly Stranger[];
}

/** What is free, the links and the nodes are looked at again so often, when nothing tells of them. */
const lookMilliseconds = 5000;
const leastMilliseconds = 500;

export function createAddressProber(options: AddressProberOptions): AddressProber {
  const { node, world, log, signal } = options;
  const probing = createProbing(Math.random, () => new Date().toISOString());
  const listeners = options.openListeners((address, mac) => {
    if (!ownMacs.has(mac)) probing.heard(address, mac, performance.now());
  });
  let ownMacs: ReadonlySet<string> = new Set();
  let links: ReadonlyMap<string, Link> = new Map();
  let plan: ProbePlan = { targets: [], pools: [] };
  let told: string | undefined;
  let known = new Map<string, Stranger>();
  let isBlind = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let isTouched = false;
  let toldAt = Number.NEGATIVE_INFINITY;

  const look = (now: number): void => {
    lookedAt = now;
    isTouched = false;
    const all = options.listLinks();
    const usable = options.usableInterfaces();
    links = new Map(all.map((link) => [link.name, link]));
    ownMacs = new Set(all.map(({ mac }) => formatMac(mac)));
    plan = probePlan({
      world,
      node,
      interfaces: nodeInterfaces(all, []).filter(({ name }) => usable.includes(name)),
      isAllocated: options.isAllocated,
      deadNodes: options.deadNodes(),
      strangers: probing.strangers,
    });
    probing.want(plan.targets);
  };

  const listen = (): boolean => {
    try {
      listeners.keepOpen([...probing.interfaces].flatMap((name) => links.get(name) ?? []));
      if (probing.interfaces.size > 0) isBlind = false;
      return true;
    } catch (error) {
      if (!isBlind) log.warn('addresses-not-probed', { error, next: blindAdvice });
      isBlind = true;
      return false;
    }
  };

  const tell = (): void => {
    const { strangers, clear } = probing;
    const now = new Map(strangers.map((stranger) => [formatAddress(stranger.address), stranger]));
    for (const [address, { mac, interface: name }] of now)
      if (!known.has(address))
        log.warn('stranger-found', { address, mac, interface: name, next: strangerAdvice });
    for (const address of known.keys()) if (!now.has(address)) log.info('stranger-gone', { address });
    known = now;
    const probe: AddressProbe = { node, pools: isBlind ? [] : plan.pools, inUse: strangers, clear };
    const object = renderAddressProbe(probe);
    const text = JSON.stringify(object);
    // Who never had a pool on his links has nothing to say.
    if (text === told || (told === undefined && probe.pools.length === 0)) return;
    told = text;
    options.statuses.put(object);
  };

  const tick = (): void => {
    if (!world.complete) return;
    const now = performance.now();
    const age = now - lookedAt;
    if (age > lookMilliseconds || (isTouched && age > leastMilliseconds)) look(now);
    const probes = probing.tick(now);
    if (listen()) for (const probe of probes) listeners.send(probe);
    else probing.wasDeaf(now);
    if (now - toldAt < leastMilliseconds) return;
    toldAt = now;
    tell();
  };

  const timer = setInterval(tick, tickMilliseconds);
  timer.unref();
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    listeners[Symbol.dispose]();
  });

  return {
    touch() {
      isTouched = true;
    },
    get strangers() {
      return probing.strangers;
    },
  };
}

const strangerAdvice =
  'A machine that is not Gantry’s uses an address of a pool: it is given to no Service. Take it from that machine, or out of the pool.';
const blindAdvice =
  'Give the agent CAP_NET_RAW, or set the annotation gantry.dev/probe of the pools to "off".';
