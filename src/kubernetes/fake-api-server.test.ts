// The fake API server keeps the contract that a real one keeps.
import { apiServerContract } from './api-server-contract.ts';
import { createApiClient } from './client.ts';
import { startFakeApiServer } from './fake-api-server.ts';
import { sampleAccess } from './sample-access.ts';

apiServerContract('the fake', async () => {
  const server = await startFakeApiServer();
  const client = createApiClient({ access: sampleAccess([server.url]) });
  return {
    client,
    compact: async () => server.store.compact(server.store.revision),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
});
