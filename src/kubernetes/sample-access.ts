// An access with nothing but addresses, for tests: those given differ.
import type { Access } from './access/access.ts';

export const sampleAccess = (servers: readonly string[], change: Partial<Access> = {}): Access => ({
  servers,
  serverName: undefined,
  isVerified: true,
  authority: undefined,
  clientCertificate: undefined,
  token: undefined,
  namespace: 'default',
  ...change,
});
