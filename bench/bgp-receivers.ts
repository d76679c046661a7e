// Who receives routes in benches of BGP: FRR's bgpd and BIRD, each without a kernel table behind it, asked for the number of
// routes that it has over one connection that stays open.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startFrrDaemons } from '../lab/frr.ts';
import { until } from '../lab/gantry.ts';
import type { Host } from '../lab/host.ts';
import type { Lab } from '../lab/lab.ts';

export interface Receiver {
  readonly name: string;
  /** Routes from the sender; undefined while there is no session. */
  count(): Promise<number | undefined>;
}

export interface ReceiverOptions {
  readonly lab: Lab;
  readonly host: Host;
  readonly asn: number;
  readonly sender: { readonly address: string; readonly asn: number };
}

export async function startFrrReceiver({ lab, host, asn, sender }: ReceiverOptions): Promise<Receiver> {
  await startFrrDaemons(lab, host, {
    bgpd: [
      'bgp no-rib',
      `router bgp ${asn}`,
      ' bgp router-id 192.0.2.254',
      ' no bgp ebgp-requires-policy',
      ` neighbor ${sender.address} remote-as ${sender.asn}`,
      ` neighbor ${sender.address} passive`,
      ` neighbor ${sender.address} timers connect 1`,
    ],
  });
  // What vtysh speaks: each command ends with a NUL, each answer with three and a code.
  const ask = await converse(
    join(lab.directory, `frr-${host.name}`, 'bgpd.vty'),
    (text) => `${text}\0`,
    (heard) => heard.length >= 4 && heard.at(-2) === 0 && heard.at(-3) === 0 && heard.at(-4) === 0,
  );
  return {
    name: 'FRR',
    async count() {
      const text = (await ask('show bgp ipv4 unicast summary json')).toString('latin1').replaceAll('\0', '');
      const { peers = {} } = JSON.parse(text.slice(0, text.lastIndexOf('}') + 1)) as FrrSummary;
      const own = peers[sender.address];
      return own?.state === 'Established' ? own.pfxRcd : undefined;
    },
  };
}

interface FrrSummary {
  readonly peers?: Readonly<Record<string, { readonly state: string; readonly pfxRcd: number }>>;
}

export async function startBirdReceiver({ lab, host, asn, sender }: ReceiverOptions): Promise<Receiver> {
  const directory = join(lab.directory, `bird-${host.name}`);
  mkdirSync(directory);
  const [path, socket] = [join(directory, 'bird.conf'), join(directory, 'bird.ctl')];
  writeFileSync(
    path,
    `router id 192.0.2.253;
protocol device { }
protocol bgp sender {
  local as ${asn}; neighbor ${sender.address} as ${sender.asn};
  passive on; direct; error wait time 1, 2; enable extended messages on;
  ipv4 { import all; export none; };
}
`,
  );
  host.spawn(['bird', '-f', '-c', path, '-s', socket], { log: `${host.name}-bird` });
  await until(
    'BIRD answers',
    () => host.exec(['birdc', '-s', socket, 'show', 'status'], { mayFail: true }).code === 0,
  );
  // An answer's last line begins with a code and a space, others with a code and `-`, or a space.
  const ask = await converse(
    socket,
    (text) => `${text}\n`,
    (heard) => /(^|\n)(0000|0013|[89]\d{3}) .*\n$/.test(heard.toString('latin1')),
  );
  return {
    name: 'BIRD',
    async count() {
      const text = (await ask('show protocols all sender')).toString('latin1');
      if (!/BGP state: +Established/.test(text)) return undefined;
      return Number(/Routes: +(\d+) imported/.exec(text)?.[1]);
    },
  };
}

/** Asks one question after the other on a socket; an answer is what came until `isWhole`. */
async function converse(
  path: string,
  framed: (text: string) => string,
  isWhole: (heard: Buffer) => boolean,
): Promise<(text: string) => Promise<Buffer>> {
  const socket = connect(path);
  let heard = Buffer.alloc(0);
  let answered: ((answer: Buffer) => void) | undefined;
  socket.on('data', (piece: Buffer) => {
    heard = Buffer.concat([heard, piece]);
    if (!isWhole(heard)) return;
    const answer = heard;
    heard = Buffer.alloc(0);
    answered?.(answer);
  });
  await once(socket, 'connect');
  return (text) =>
    new Promise((resolve) => {
      answered = resolve;
      socket.write(framed(text));
    });
}
