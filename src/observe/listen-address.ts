// Where an HTTP listener listens, as people write it: `127.0.0.1:7472`, `[::1]:7472`, `:7472` for all addresses.
import { isIPv4, isIPv6 } from 'node:net';

export interface ListenAddress {
  /** An IP address, or undefined for all of the machine's. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** Undefined for anything that is not one of the three forms, or whose port is above 65535. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  if (plain === undefined || plain === '') return { host: undefined, port };
  return isIPv4(plain) ? { host: plain, port } : undefined;
}

export function formatListenAddress({ host, port }: ListenAddress): string {
  if (host === undefined) return `:${port}`;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
