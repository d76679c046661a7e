// X.509 certificates (RFC 5280) on the curve P-256: an authority, and a server that it vouches for.
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts';

export interface CertificateRequest {
  /** The common name, which is shown; what a client checks are the DNS names. */
  readonly subject: string;
  /** The private key of the subject; only its public half goes into the certificate. */
  readonly key: KeyObject;
  /** Who signs. The subject itself for an authority. */
  readonly issuer: { readonly subject: string; readonly key: KeyObject };
  /** None: an authority, which signs servers and nothing else. */
  readonly dnsNames: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

/** The certificate in PEM. */
export function signCertificate(request: CertificateRequest): string {
  const { subject, key, issuer, notBefore, notAfter } = request;
  const toBeSigned = sequence(
    explicit(0, integer(Uint8Array.of(2))), // version 3
    integer(randomBytes(16)),
    ecdsaWithSha256,
    distinguishedName(issuer.subject),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject),
    publicKeyOf(key),
    explicit(3, sequence(...extensions(request))),
  );
  const signature = sign('sha256', toBeSigned, issuer.key);
  return pem('CERTIFICATE', sequence(toBeSigned, ecdsaWithSha256, bitString(signature)));
}

/** Arc 3 of attribute types (X.520). */
const commonNameType = [2, 5, 4, 3].join('.');

const distinguishedName = (commonName: string): Uint8Array =>
  sequence(setOf(sequence(objectIdentifier(commonNameType), utf8String(commonName))));

/** SubjectPublicKeyInfo. */
const publicKeyOf = (key: KeyObject): Uint8Array =>
  createPublicKey(key).export({ type: 'spki', format: 'der' });

/** RFC 5280 §4.2.1. */
function extensions({ key, issuer, dnsNames }: CertificateRequest): Uint8Array[] {
  const identifiers = [
    extension(14, false, octetString(keyIdentifier(key))),
    extension(35, false, sequence(implicit(0, keyIdentifier(issuer.key)))),
  ];
  if (dnsNames.length === 0) {
    return [
      ...identifiers,
      extension(19, true, sequence(booleanTrue, integer(Uint8Array.of(0)))),
      extension(15, true, bitString(Uint8Array.of(0b0000_0100), 2)), // keyCertSign
    ];
  }
  const names = dnsNames.map((name) => implicit(2, Buffer.from(name, 'ascii')));
  return [
    ...identifiers,
    extension(19, true, sequence()),
    extension(15, true, bitString(Uint8Array.of(0b1000_0000), 7)), // digitalSignature
    extension(37, false, sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))), // serverAuth
    extension(17, false, sequence(...names)),
  ];
}

/** `arc` is that of id-ce, 2.5.29. */
const extension = (arc: number, isCritical: boolean, value: Uint8Array): Uint8Array =>
  sequence(objectIdentifier(`2.5.29.${arc}`), ...(isCritical ? [booleanTrue] : []), octetString(value));

/** A hash is enough to tell keys apart; with SHA-256 it is cut to 160 bits (RFC 7093 §2). */
const keyIdentifier = (key: KeyObject): Uint8Array =>
  createHash('sha256').update(publicKeyOf(key)).digest().subarray(0, 20);

function pem(label: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
