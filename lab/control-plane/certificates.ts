// Certificate authorities of the lab, by the openssl command: for the API server, its clients, and webhooks.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

export interface Authority {
  /** The authority's own certificate, PEM. */
  readonly certificateFile: string;
  readonly certificate: string;
  /** A new key and a certificate, in files of this name; those of the same name before are replaced. */
  issue(name: string, holder: Holder): KeyPair;
}

export interface Holder {
  /** Host names and addresses of a server. */
  readonly hosts?: readonly string[];
  /** The name of a user of Kubernetes. */
  readonly user?: string;
  readonly groups?: readonly string[];
}

/** Paths of PEM files. */
export interface KeyPair {
  readonly certificateFile: string;
  readonly keyFile: string;
}

const days = '365';

/** A fresh authority whose files `NAME.crt`, `NAME.key` and those of all that it issues lie in `directory`. */
export function createAuthority(directory: string, name: string): Authority {
  const files = (of: string): KeyPair => ({
    certificateFile: join(directory, `${of}.crt`),
    keyFile: join(directory, `${of}.key`),
  });
  const own = files(name);
  request(own, `/CN=${name}`, ['keyUsage=critical,keyCertSign,cRLSign']);
  return {
    certificateFile: own.certificateFile,
    certificate: readFileSync(own.certificateFile, 'utf8'),
    issue(holder, { hosts = [], user = holder, groups = [] }) {
      const pair = files(holder);
      const subject = [...groups.map((group) => `/O=${group}`), `/CN=${user}`].join('');
      const alternatives = hosts.map((host) => (isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`));
      request(
        pair,
        subject,
        [
          'basicConstraints=critical,CA:FALSE',
          'extendedKeyUsage=serverAuth,clientAuth',
          ...(alternatives.length > 0 ? [`subjectAltName=${alternatives.join(',')}`] : []),
        ],
        own,
      );
      return pair;
    },
  };
}

function request(pair: KeyPair, subject: string, extensions: readonly string[], issuer?: KeyPair): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', pair.keyFile];
  const signed = issuer ? ['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile] : [];
  const details = extensions.flatMap((extension) => ['-addext', extension]);
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      ...key,
      ...signed,
      '-subj',
      subject,
      '-days',
      days,
      ...details,
      '-out',
      pair.certificateFile,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
}
