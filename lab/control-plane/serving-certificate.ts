// Which certificate a server of the lab shows.
import { connect } from 'node:tls';
import type { Host } from '../host.ts';
import { connectionFrom } from './connection.ts';

/** Its fingerprint; undefined where nobody answers. Whom it is signed by does not matter here. */
export function presentedCertificate(from: Host, address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...connectionFrom(from, address, port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256);
      socket.destroy();
    });
    socket.on('error', () => resolve(undefined));
  });
}
