// A Service port as one number, by which ports are compared: two Services on one address may not have the same.
import type { Protocol, ServicePort } from '../model/service.ts';

export type PortKey = number;

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

export const portKey = ({ protocol, port }: ServicePort): PortKey =>
  protocols.indexOf(protocol) * 65_536 + port;

/** As in `80/TCP`. */
export const formatPort = (key: PortKey): string => `${key % 65_536}/${protocols[Math.trunc(key / 65_536)]}`;
