// Certificates for tests: an authority, and what it vouches for (X.509 v3, RFC 5280, in DER; ECDSA with SHA-256).
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';

export interface SampleCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface SampleAuthority extends SampleCertificate {
  /** `hosts` are names and IPv4 addresses; `commonName` is the user's for a client. */
  issue(commonName: string, hosts?: readonly string[]): SampleCertificate;
}

const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export function sampleAuthority(name: string): SampleAuthority {
  const { publicKey, privateKey } = keyPair();
  const isAuthority = extension('551d13', sequence(der(0x01, Buffer.of(0xff))));
  return {
    cert: certificate(name, name, publicKey, privateKey, isAuthority),
    key: pem(privateKey),
    issue(commonName, hosts = []) {
      const own = keyPair();
      const names = extension('551d11', sequence(...hosts.map(alternativeName)));
      return {
        cert: certificate(name, commonName, own.publicKey, privateKey, hosts.length > 0 ? names : undefined),
        key: pem(own.privateKey),
      };
    },
  };
}

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

let serial = 1;

function certificate(
  issuer: string,
  subject: string,
  publicKey: KeyObject,
  issuerKey: KeyObject,
  extension: Buffer | undefined,
): string {
  const algorithm = sequence(objectId('2a8648ce3d040302')); // ecdsa-with-SHA256
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, Buffer.from([1, serial++ >> 8, serial & 255])),
    algorithm,
    distinguishedName(issuer),
    sequence(time('20200101000000Z'), time('20991231235959Z')),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extension === undefined ? [] : [der(0xa3, sequence(extension))]),
  );
  const signature = sign('sha256', body, issuerKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = whole.toString('base64').replace(/(.{64})/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Tag, length and content (X.690 §8.1). */
function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, Buffer.concat(parts));
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const time = (text: string): Buffer => der(0x18, Buffer.from(text));
const distinguishedName = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from(commonName)))));
const extension = (id: string, value: Buffer): Buffer => sequence(objectId(id), der(0x04, value));
const alternativeName = (host: string): Buffer =>
  isIP(host) === 4 ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host));
