// The kernel's nf_tables: it keeps the port's contract, and nft reads our encoding as what we mean.
import { createLab } from '../../lab/lab.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { openNftables } from '../../src/dataplane/nftables/kernel.ts';
import { testNftablesPort } from '../../src/dataplane/nftables/port-contract.ts';

testInsideLab(import.meta.filename, () => {
  testNftablesPort('kernel', async (body) => {
    await using lab = await createLab();
    using port = lab.host('node').inside(openNftables);
    body(port);
  });
});
