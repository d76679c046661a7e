// The packet responder keeps the contract: real neighbours ask by their kernels' own ARP and NDP.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { listLinks } from '../../src/linux/links.ts';
import { formatAddress } from '../../src/model/address.ts';
import { createPacketResponder } from '../../src/pulse/packet-responder.ts';
import type { ResponderInterface } from '../../src/pulse/responder.ts';
import { testResponder } from '../../src/pulse/responder-contract.ts';

testInsideLab(import.meta.filename, () => {
  testResponder('packet sockets', async (use) => {
    await using lab = await createLab();
    const node = lab.host('node');
    const askers = new Map(
      (['eth0', 'eth1'] as const).map((name, index) => {
        const segment = lab.segment(`lan${index}`);
        const asker = lab.host(`asker${index}`);
        lab.connect(node, name, segment);
        lab.connect(asker, 'eth0', segment, ['192.0.2.100/24', '2001:db8:1::100/64']);
        return [name as string, asker] as const;
      }),
    );
    const found = (name: string): ResponderInterface => {
      const link = node.inside(() => listLinks().find((one) => one.name === name));
      assert.ok(link);
      return link;
    };
    // Its sockets are opened as interfaces are set, and must be the node's.
    const responder = createPacketResponder(
      { conflict() {}, failed() {}, malformed() {} },
      () => performance.now(),
      () => false,
    );
    const inside = {
      ...responder,
      setInterfaces: (list: readonly ResponderInterface[]) =>
        node.inside(() => responder.setInterfaces(list)),
    };
    try {
      await use({
        responder: inside,
        interfaces: [found('eth0'), found('eth1')],
        missingIndex: 9999,
        async ask(name, address) {
          const asker = askers.get(name);
          assert.ok(asker);
          const text = formatAddress(address);
          const show = () => asker.exec(['ip', 'neigh', 'show', 'to', text, 'dev', 'eth0']).stdout;
          asker.exec(['ip', 'neigh', 'flush', 'to', text, 'dev', 'eth0'], { mayFail: true });
          const ping = asker.spawn(['ping', '-c', '1', '-W', '0.3', text]);
          // This process answers by its event loop, so it must not wait for the ping synchronously.
          for (let tries = 0; tries < 40; tries++) {
            await sleep(10);
            const mac = /lladdr (\S+)/.exec(show())?.[1];
            if (mac !== undefined || ping.exitCode !== null) return mac;
          }
          return undefined;
        },
      });
    } finally {
      responder[Symbol.dispose]();
    }
  });
});
