// The fake responder keeps the contract that the kernel's keeps in test/lab/responder.test.ts.
import { createFakeResponder } from './fake-responder.ts';
import { testResponder } from './responder-contract.ts';

const interfaces = [
  { name: 'eth0', index: 2, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) },
  { name: 'eth1', index: 3, mac: Uint8Array.of(2, 0, 0, 0, 0, 2) },
] as const;

testResponder('fake', async (use) => {
  using responder = createFakeResponder(() => 1);
  responder.missing.add(99);
  await use({
    responder,
    interfaces,
    missingIndex: 99,
    ask: async (name, address) => responder.ask(name, address),
  });
});
