// A whole small cluster in one call, for lab tests: the network, pods that answer, and Gantry on a folder.
import { readFileSync } from 'node:fs';
import { buildNetwork, type Scene, startGantry, startPods, webPorts } from './demo/scene.ts';
import { until } from './gantry.ts';
import { createLab } from './lab.ts';
import { gantryCommand } from './program.ts';

export interface RunningScene extends Scene, AsyncDisposable {
  /** One request to the Service's first TCP port from the client behind the router: who answers, or undefined. */
  ask(address: string, port?: number): string | undefined;
  /** Writes `shop/web` on all its pods, and resolves with its addresses once the client is answered. */
  startWeb(spec?: object): Promise<readonly string[]>;
  /** The log of a program: `controller`, `node1-agent`, `node1-pulse`. */
  log(program: string): string;
}

export async function startScene(): Promise<RunningScene> {
  const lab = await createLab();
  try {
    const network = buildNetwork(lab);
    await startPods(network);
    const gantry = await startGantry(lab, network.topology);
    const { client } = network.topology;
    const scene: RunningScene = {
      ...network,
      gantry,
      ask(address, port = 80) {
        const target = `tcp:${address.includes(':') ? `[${address}]` : address}:${port}`;
        const probe = gantryCommand('lab', 'probe', target, '--duration', '150', '--interval', '50');
        const [report] = JSON.parse(client.exec(probe).stdout) as [{ answeredBy: Record<string, number> }];
        return Object.keys(report.answeredBy)[0];
      },
      async startWeb(spec = {}) {
        gantry.writeService('shop', 'web', webPorts, network.web, spec);
        const addresses = await until('shop/web has addresses', () => {
          const found = gantry.addresses('shop', 'web');
          return found.length > 0 && found;
        });
        for (const address of addresses) await until(`${address} answers`, () => scene.ask(address));
        return addresses;
      },
      log: (program) => readFileSync(client.logPath(program), 'utf8'),
      [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
    };
    return scene;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}
