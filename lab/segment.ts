// A layer-2 segment: a switch in a namespace of its own, the cables plugged into it, and ways to break them.
import type { Host } from './host.ts';

export interface Cable {
  readonly host: Host;
  readonly interfaceName: string;
  readonly segment: Segment;
  /** The switch's port at the other end. */
  readonly port: string;
  /** Takes the switch's port down: the host's interface loses its carrier. */
  unplug(): void;
  plug(): void;
}

export interface Segment {
  readonly name: string;
  /** The switch itself. */
  readonly host: Host;
  readonly cables: Cable[];
  /**
   * Drops the frames that `from` sends to `to` (everyone, where one is left out), one way, until disposed. All keep
   * their carrier and notice nothing. Cuts may overlap.
   */
  cut(cut: Cut): Disposable;
}

export interface Cut {
  readonly from?: Host;
  readonly to?: Host;
}

/** The switch floods and learns as a plain one: no spanning tree, no snooping, no word of its own on the wire. */
export function createSegment(name: string, host: Host): Segment {
  host.sysctl('ipv6/conf/default/disable_ipv6', 1);
  host.ip('link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0', 'link set br0 up');
  const cuts = new Set<Cut>();
  const segment: Segment = {
    name,
    host,
    cables: [],
    cut(cut) {
      cuts.add(cut);
      applyCuts(segment, cuts);
      return {
        [Symbol.dispose]() {
          if (cuts.delete(cut)) applyCuts(segment, cuts);
        },
      };
    },
  };
  return segment;
}

/**
 * The kernel tells a change of carrier up to a second late, unless the two ends of the pair have different indexes
 * (linkwatch_urgent_event in net/core/link_watch.c). So the ends on switches and nodes are numbered from here.
 */
export const firstIndex = 1000;

/** Plugs the host in; `hostNamespace` is its name as `ip` knows it. */
export function connectCable(
  segment: Segment,
  host: Host,
  hostNamespace: string,
  interfaceName: string,
): Cable {
  const port = `${host.name}-${interfaceName}`;
  if (port.length > 15)
    throw new Error(`${port}: the kernel's names of interfaces have at most 15 characters`);
  segment.host.ip(
    `link add ${port} index ${firstIndex + segment.cables.length} type veth peer name ${interfaceName} netns ${hostNamespace}`,
    `link set ${port} master br0 up`,
  );
  const cable: Cable = {
    host,
    interfaceName,
    segment,
    port,
    unplug: () => segment.host.ip(`link set ${port} down`),
    plug: () => segment.host.ip(`link set ${port} up`),
  };
  segment.cables.push(cable);
  host.cables.set(interfaceName, cable);
  return cable;
}

/** Unplugs several at once: one batch a switch. */
export function unplugAll(cables: readonly Cable[]): void {
  for (const [segment, own] of Map.groupBy(cables, (cable) => cable.segment)) {
    segment.host.ip(...own.map(({ port }) => `link set ${port} down`));
  }
}

/** Replaces the switch's rules in one transaction. */
function applyCuts(segment: Segment, cuts: ReadonlySet<Cut>): void {
  const ports = (host: Host): string =>
    `{ ${segment.cables
      .filter((cable) => cable.host === host)
      .map(({ port }) => `"${port}"`)
      .join(', ')} }`;
  const rules = [...cuts].map(({ from, to }) =>
    [from && `iifname ${ports(from)}`, to && `oifname ${ports(to)}`, 'drop'].filter(Boolean).join(' '),
  );
  const chain = ['type filter hook forward priority 0', ...rules].map((line) => `    ${line}`);
  const table = ['table bridge cuts {', '  chain forward {', ...chain, '  }', '}'];
  segment.host.exec(['nft', ['table bridge cuts', 'delete table bridge cuts', ...table].join('\n')]);
}
