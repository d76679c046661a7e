// Our BGP speaker alone in a process, for benches: `bgp-sender.ts PEER PORT ASN ROUTES shared|distinct`. It reads commands, a
// line each: `announce` makes the routes and begins the session, `withdraw` takes all routes back. When all is with the
// kernel, and once before the first command, it writes the milliseconds of CPU that this process has used so far. It ends
// with its input.
import { createInterface } from 'node:readline';
import { createSpeaker } from '../src/agent/bgp/speaker.ts';
import { startTimeSlice } from '../src/agent/time-slice.ts';
import type { PathIntent } from '../src/announce/bgp/path-set.ts';
import '../src/linux/links.ts';
import '../src/linux/tcp-socket.ts';
import { type Address, parseAddress } from '../src/model/address.ts';
import { silentLog } from '../src/observe/log.ts';

const [, , peer = '', port = '', asn = '', count = '', kind = ''] = process.argv;
const nextHop = addressOf('192.0.2.11');
const first = addressOf('198.18.0.0').value;
const audience = '';

/** The table is there, or its end, before the first telling that counts. */
let isWhole = false;

const speaker = createSpeaker({
  isRestarting: false,
  nextHops: () => [nextHop],
  log: silentLog,
  changed() {},
  told: () => isWhole && tell(),
});

const shared = intentOf(0);
const intents = Array.from({ length: Number(count) }, (_, index) =>
  kind === 'distinct' ? intentOf(index) : shared,
);
tell();
for await (const line of createInterface({ input: process.stdin })) {
  isWhole = false;
  if (line === 'announce') {
    await wantAll(true);
    configure();
    speaker.begin();
  } else await wantAll(false);
  isWhole = true;
}
process.exit();

/** In slices, as the agent's planner does, so that sending need not wait for the last route. */
async function wantAll(isWanted: boolean): Promise<void> {
  const slice = startTimeSlice();
  for (const [index, intent] of intents.entries()) {
    const address = { family: 'IPv4', value: first + BigInt(index) } as const;
    speaker.want(audience, { address, prefixLength: 32, pathId: undefined }, isWanted ? intent : undefined);
    if (slice.isOver()) await slice.next();
  }
}

function configure(): void {
  speaker.configure([
    {
      name: 'router',
      audience,
      listenRange: undefined,
      isDynamic: false,
      settings: {
        localAsn: Number(asn),
        peerAsn: 'external',
        routerId: Number(nextHop.value),
        families: ['IPv4'],
        extendedNextHop: false,
        addPath: [],
        holdTimeSeconds: 90,
        keepaliveSeconds: 30,
        connectRetrySeconds: 0.2,
        isPassive: false,
        role: undefined,
        isRoleStrict: false,
        gracefulRestart: undefined,
      },
      path: {
        peer: addressOf(peer),
        peerPort: Number(port),
        local: undefined,
        device: undefined,
        ttl: 255,
        minimumTtl: undefined,
        password: undefined,
      },
    },
  ]);
}

function intentOf(index: number): PathIntent {
  return {
    localPreference: undefined,
    communities: [{ kind: 'large', value: [64500, 1, index] }],
    bandwidthBytesPerSecond: undefined,
  };
}

function tell(): void {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${(user + system) / 1000}\n`);
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}
