// The webhook's certificate: clients that trust its authority accept it for its names, and it is made again in time.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import {
  isRenewalDue,
  makeWebhookCertificate,
  serviceDnsNames,
  servingPeriod,
  trustBundle,
  type WebhookCertificate,
} from './certificate.ts';

const day = 86_400_000;
const names = serviceDnsNames('gantry-webhook', 'gantry-system');
const [name = ''] = names;

/** Undefined for a handshake that succeeds, else its error code. */
async function handshake(served: WebhookCertificate, ca: string, servername: string) {
  const server = createServer({ key: served.key, cert: served.certificate }, (socket) => socket.end());
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server has one.
  const client = connect({ host: '127.0.0.1', port, ca, servername, minVersion: 'TLSv1.3' });
  const outcome = await new Promise<string | undefined>((resolve) => {
    client.once('secureConnect', () => resolve(undefined));
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  client.destroy();
  server.close();
  return outcome;
}

test('a client that trusts the authority accepts the certificate for its names and no other', async () => {
  const made = makeWebhookCertificate(names, Date.now());
  for (const each of names) assert.equal(await handshake(made, made.authority, each), undefined);
  assert.equal(await handshake(made, made.authority, 'other.svc'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  const other = makeWebhookCertificate(names, Date.now());
  assert.notEqual(await handshake(made, other.authority, name), undefined);
});

test('the certificate is a server’s and the authority is one', () => {
  const made = makeWebhookCertificate(names, Date.now());
  const authority = new X509Certificate(made.authority);
  const certificate = new X509Certificate(made.certificate);
  assert.equal(authority.ca, true);
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(certificate.subjectAltName, names.map((each) => `DNS:${each}`).join(', '));
  assert.ok(authority.verify(authority.publicKey));
  assert.notEqual(authority.serialNumber, certificate.serialNumber);
});

test('dates beyond 2049 are written in the longer form', () => {
  const now = Date.parse('2049-06-01T00:00:00Z');
  const { certificate } = makeWebhookCertificate(names, now);
  assert.equal(new X509Certificate(certificate).validToDate.toISOString(), '2050-06-01T00:00:00.000Z');
  assert.equal(new X509Certificate(certificate).validFromDate.toISOString(), '2049-05-31T23:00:00.000Z');
});

test('a certificate is made again when a third of its time is left, or its time has not come', () => {
  const period = { notBefore: 0, notAfter: 300 * day };
  assert.equal(isRenewalDue(period, 0), false);
  assert.equal(isRenewalDue(period, 199 * day), false);
  assert.equal(isRenewalDue(period, 200 * day), true);
  assert.equal(isRenewalDue(period, 400 * day), true);
  assert.equal(isRenewalDue(period, -day), true);
});

test('what cannot serve has no period', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const made = makeWebhookCertificate(names, now);
  const other = makeWebhookCertificate(names, now);
  assert.deepEqual(servingPeriod(made, names), { notBefore: now - day / 24, notAfter: now + 365 * day });
  assert.equal(servingPeriod(made, serviceDnsNames('gantry-webhook', 'elsewhere')), undefined);
  assert.equal(servingPeriod({ ...made, authority: other.authority }, names), undefined);
  assert.equal(servingPeriod({ ...made, key: other.key }, names), undefined);
  for (const field of ['authority', 'certificate', 'key'] as const) {
    assert.equal(servingPeriod({ ...made, [field]: 'rubbish' }, names), undefined, field);
  }
});

test('while two certificates are about, both authorities are trusted', async () => {
  const now = Date.now();
  const before = makeWebhookCertificate(names, now - 300 * day);
  const after = makeWebhookCertificate(names, now);
  const bundleOf = (former: string | undefined, time: number) =>
    Buffer.from(trustBundle(after.authority, former, time), 'base64').toString();
  const both = bundleOf(before.authority, now);
  assert.equal(await handshake(before, both, name), undefined);
  assert.equal(await handshake(after, both, name), undefined);
  assert.equal(bundleOf(before.authority, now + 66 * day), after.authority);
  assert.equal(bundleOf('rubbish', now), after.authority);
  assert.equal(bundleOf(after.authority, now), after.authority);
  assert.equal(bundleOf(undefined, now), after.authority);
});
