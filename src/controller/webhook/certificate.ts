// The webhook's own certificate: an authority made for it alone, when both are made again, and whom the API server trusts.
//
// The authority's key is thrown away once it has signed, so nobody can make another certificate with it.
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { signCertificate } from './x509.ts';

/** As a Secret of type kubernetes.io/tls holds it, all in PEM. */
export interface WebhookCertificate {
  /** `ca.crt` */
  readonly authority: string;
  /** `tls.crt` */
  readonly certificate: string;
  /** `tls.key` */
  readonly key: string;
}

const day = 86_400_000;
const validity = 365 * day;
/** For API servers whose clock is behind. */
const backdating = day / 24;

/** The names by which the API server calls a Service. */
export const serviceDnsNames = (service: string, namespace: string): readonly string[] => [
  `${service}.${namespace}.svc`,
  `${service}.${namespace}.svc.cluster.local`,
];

/** A new authority and a certificate for the names, valid for a year from `now` (milliseconds since 1970). */
export function makeWebhookCertificate(dnsNames: readonly string[], now: number): WebhookCertificate {
  const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const period = { notBefore: now - backdating, notAfter: now + validity };
  const key = newKey();
  // Each authority has its name, so that a bundle of two is not two of a name.
  const issuer = { subject: `gantry webhook ${new Date(now).toISOString()}`, key: newKey() };
  return {
    authority: signCertificate({ ...issuer, issuer, dnsNames: [], ...period }),
    certificate: signCertificate({ subject: dnsNames[0] ?? 'gantry', key, issuer, dnsNames, ...period }),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** How long something is good for, in milliseconds since 1970. */
export interface Period {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** True from when a third of the time is left, and where it has not begun by this clock. */
export const isRenewalDue = ({ notBefore, notAfter }: Period, now: number): boolean =>
  now < notBefore || now >= notAfter - (notAfter - notBefore) / 3;

/**
 * The period of a certificate that can serve these names; undefined where it is broken, its key is another's, or its
 * authority did not sign it: then a new one is made.
 */
export function servingPeriod(
  { authority, certificate, key }: WebhookCertificate,
  dnsNames: readonly string[],
): Period | undefined {
  const issuer = readCertificate(authority);
  const own = readCertificate(certificate);
  if (issuer === undefined || own === undefined || !isKeyOf(own, key)) return undefined;
  if (!own.checkIssued(issuer) || !own.verify(issuer.publicKey)) return undefined;
  if (!dnsNames.every((name) => own.checkHost(name) !== undefined)) return undefined;
  return periodOf(own);
}

/** `caBundle`: the authority, and the former one while it is valid, for who still serves its certificate. Base64. */
export function trustBundle(authority: string, former: string | undefined, now: number): string {
  const old = former === undefined || former === authority ? undefined : readCertificate(former);
  const isTrusted = old !== undefined && periodOf(old).notAfter > now;
  return Buffer.from(isTrusted ? authority + former : authority, 'utf8').toString('base64');
}

const periodOf = ({ validFromDate, validToDate }: X509Certificate): Period => ({
  notBefore: validFromDate.getTime(),
  notAfter: validToDate.getTime(),
});

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // Whatever is wrong with it, it is of no use.
    return undefined;
  }
}

function isKeyOf(certificate: X509Certificate, pem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(pem));
  } catch {
    // Whatever is wrong with it, it is not the key.
    return false;
  }
}
