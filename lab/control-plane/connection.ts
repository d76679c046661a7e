// Connections of this very process from any host of the lab, as options of Node's clients.
import type { Host } from '../host.ts';

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly autoSelectFamily: false;
  readonly lookup: (name: string, options: object, found: Found) => void;
}

type Found = (error: null, address: string, family: number) => void;

/**
 * To `address` from the host `from`; `name` is the server's, for its certificate. Node makes the socket as soon as the
 * name is found, in the namespace of that moment, where it stays.
 */
export const connectionFrom = (
  from: Host,
  address: string,
  port: number,
  name = 'localhost',
): ConnectionOptions => ({
  host: name,
  port,
  autoSelectFamily: false,
  lookup: (_name, _options, found) => from.inside(() => found(null, address, address.includes(':') ? 6 : 4)),
});
