// An owner that is not dead but cut off or frozen: it must be silent before another speaks, and that within 300 ms.
// --quick: few trials.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type CapturedFrame, captureFrames } from '../lab/capture.ts';
import { startProbing, targetText } from '../lab/demo/probing.ts';
import { buildNetwork, type Scene, startGantry, startPods, webPorts } from '../lab/demo/scene.ts';
import { until } from '../lab/gantry.ts';
import { createLab } from '../lab/lab.ts';
import type { TopologyNode } from '../lab/topology.ts';
import { readArp, writeArp } from '../src/announce/layer2/arp.ts';
import { broadcastMac, zeroMac } from '../src/announce/layer2/ethernet.ts';
import { listLinks } from '../src/linux/links.ts';
import { openPacketSocket } from '../src/linux/packet-socket.ts';
import { type Address, formatAddress, parseAddress } from '../src/model/address.ts';
import { benchInsideLab } from './inside-lab.ts';
import { type Figure, maximum, median, report } from './report.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, trials: { type: 'string' } },
});
const trials = Number(values.trials ?? (values.quick ? 3 : 30));

const vip4 = '192.0.2.200';
const vip6 = '2001:db8:1::200';
const pulseArguments = ['--failback', 'at-once'];
const askerAddress = '192.0.2.100';

interface Fault {
  readonly name: string;
  /** Returns what takes it back. */
  inflict(node: TopologyNode, scene: Scene): () => void;
}

const faults: readonly Fault[] = [
  {
    name: 'frozen (SIGSTOP of everything)',
    inflict({ host }) {
      host.freeze();
      return () => host.thaw();
    },
  },
  {
    name: 'cut: heard, but hears nothing',
    inflict({ host }, { topology }) {
      const cut = topology.lan.cut({ to: host });
      return () => cut[Symbol.dispose]();
    },
  },
  {
    name: 'cut: hears, but is not heard',
    inflict({ host }, { topology }) {
      const cut = topology.lan.cut({ from: host });
      return () => cut[Symbol.dispose]();
    },
  },
  {
    name: 'cut both ways',
    inflict({ host }, { topology }) {
      const cuts = [topology.lan.cut({ from: host }), topology.lan.cut({ to: host })];
      return () => {
        for (const cut of cuts) cut[Symbol.dispose]();
      };
    },
  },
];

interface Trial {
  /** From the fault to the first word of the next owner. */
  readonly takeover: number;
  /** The longest time that a client was without an answer. */
  readonly outage: number;
  /** Words of the old owner after the first of the next, until the fault was over. */
  readonly overlaps: number;
}

await benchInsideLab(import.meta.filename, async () => {
  await using lab = await createLab();
  const network = buildNetwork(lab);
  await startPods(network);
  const gantry = await startGantry(lab, network.topology, pulseArguments);
  const scene: Scene = { ...network, gantry };
  gantry.writeService('shop', 'web', webPorts, network.web);
  const figures: Figure[] = [];
  for (const fault of faults) {
    const results: Trial[] = [];
    for (let trial = 1; trial <= trials; trial++) {
      const result = await attempt(scene, fault);
      results.push(result);
      process.stderr.write(
        `${fault.name}: trial ${trial} of ${trials}: takeover ${result.takeover.toFixed(0)} ms, outage ${result.outage.toFixed(0)} ms, overlaps ${result.overlaps}\n`,
      );
    }
    const of = (pick: (trial: Trial) => number): number[] => results.map(pick);
    const name = `owner ${fault.name}, ${trials} trials:`;
    figures.push(
      {
        name: `${name} words of the old owner after the next one's first`,
        value: of(({ overlaps }) => overlaps).reduce((sum, one) => sum + one, 0),
        unit: 'words',
        bound: 1,
      },
      {
        name: `${name} until the next one speaks, maximum`,
        value: maximum(of(({ takeover }) => takeover)),
        unit: 'ms',
        bound: 300,
      },
      {
        name: `${name} until the next one speaks, median`,
        value: median(of(({ takeover }) => takeover)),
        unit: 'ms',
      },
      {
        name: `${name} a client without an answer, maximum`,
        value: maximum(of(({ outage }) => outage)),
        unit: 'ms',
        bound: 300,
      },
    );
  }
  report('fencing', figures);
});

async function attempt(scene: Scene, fault: Fault): Promise<Trial> {
  const { topology } = scene;
  const owner = await until('one owner', () => ownerOf(scene), 30_000);
  // All agree on who lives, and the neighbours know the owner.
  await sleep(1500);
  using capture = captureFrames(topology.lan, 0x0806);
  using _asking = askAllTheTime(scene);
  const probing = startProbing(topology.client, [targetText('tcp', vip4, 80), targetText('tcp', vip6, 80)]);
  await sleep(500);
  const start = performance.now();
  const heal = fault.inflict(owner, scene);
  const first = await capture.waitFor((frame) => frame.from !== owner.name && speaks(frame), 5000);
  await sleep(700);
  const ended = performance.now();
  heal();
  const late = capture.frames.filter(
    (frame) =>
      frame.from === owner.name &&
      speaks(frame) &&
      frame.atMilliseconds > first.atMilliseconds &&
      frame.atMilliseconds < ended,
  );
  await until('another owner', () => ownerOf(scene) !== owner && ownerOf(scene), 10_000).catch(() => {});
  const reports = await probing.finish();
  await until('the owner has it back', () => ownerOf(scene) === owner, 30_000);
  return {
    takeover: first.atMilliseconds - start,
    outage: maximum(reports.map(({ outageMilliseconds }) => outageMilliseconds)),
    overlaps: late.length,
  };
}

/** The node that says so itself, if it alone does. */
function ownerOf({ topology, gantry }: Scene): TopologyNode | undefined {
  const owners = topology.nodes.filter(
    ({ name }) => gantry.status(`servicel2statuses/${name}/shop/web.json`) !== undefined,
  );
  return owners.length === 1 ? owners[0] : undefined;
}

/** An answer or an announcement: whose sender is the address. */
function speaks({ bytes }: CapturedFrame): boolean {
  const arp = readArp(bytes);
  return !('error' in arp) && formatAddress(arp.senderIp) === vip4;
}

/** A neighbour asks for the address every 2 ms. */
function askAllTheTime({ topology: { neighbour } }: Scene): Disposable {
  const socket = neighbour.inside(() => {
    const link = listLinks().find(({ name }) => name === 'eth0');
    if (link === undefined) throw new Error('the neighbour has no eth0');
    const opened = openPacketSocket({ interfaceIndex: link.index, protocol: 0x0806, onFrame() {} });
    return { opened, mac: link.mac };
  });
  const request = writeArp({
    destinationMac: broadcastMac,
    operation: 'request',
    senderMac: socket.mac,
    senderIp: addressOf(askerAddress),
    targetMac: zeroMac,
    targetIp: addressOf(vip4),
  });
  const timer = setInterval(() => socket.opened.send(request), 2);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      socket.opened[Symbol.dispose]();
    },
  };
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}
