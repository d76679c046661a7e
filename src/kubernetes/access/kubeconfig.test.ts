// What kubeconfigs give, and what is said of broken ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Access } from './access.ts';
import { kubeconfigAccess } from './kubeconfig.ts';
import { type AccessReason, accessSentence } from './reason.ts';

const pem = '-----BEGIN CERTIFICATE-----\n…';
const data = Buffer.from(pem).toString('base64');

interface Parts {
  readonly cluster?: object;
  readonly user?: object | undefined;
  readonly context?: object;
}

function text({ cluster = {}, user = {}, context = {} }: Parts): string {
  return JSON.stringify({
    'current-context': 'home',
    contexts: [
      { name: 'home', context: { cluster: 'here', ...(user && { user: 'me' }), ...context } },
      { name: 'away', context: { cluster: 'there', user: 'me' } },
    ],
    clusters: [{ name: 'here', cluster: { server: 'https://192.0.2.2:6443/', ...cluster } }],
    users: [{ name: 'me', user }],
  });
}

function accessOf(parts: Parts, context?: string): Access {
  const result = kubeconfigAccess([{ file: '/home/me/config', text: text(parts) }], context);
  assert.ok(result.ok);
  return result.value;
}

function reasonOf(files: readonly string[], context?: string): AccessReason {
  const result = kubeconfigAccess(
    files.map((text, index) => ({ file: `config${index}`, text })),
    context,
  );
  assert.ok(!result.ok);
  return result.reason;
}

test('a context is resolved to address, authority, identity and namespace', () => {
  assert.deepEqual(
    accessOf({
      cluster: { 'certificate-authority': 'ca.crt', 'tls-server-name': 'kubernetes' },
      user: { 'client-certificate-data': data, 'client-key-data': data, token: 'secret' },
      context: { namespace: 'shop' },
    }),
    {
      servers: ['https://192.0.2.2:6443'],
      serverName: 'kubernetes',
      isVerified: true,
      authority: { file: '/home/me/ca.crt' },
      clientCertificate: { certificate: { text: pem }, key: { text: pem } },
      token: { text: 'secret' },
      namespace: 'shop',
    },
  );
});

test('data goes before a file, a token file before a token, and a context needs no user', () => {
  assert.deepEqual(
    accessOf({ cluster: { 'certificate-authority': 'ca', 'certificate-authority-data': data } }).authority,
    { text: pem },
  );
  assert.deepEqual(accessOf({ user: { token: 'old', tokenFile: '/run/token' } }).token, {
    file: '/run/token',
  });
  const anonymous = accessOf({ user: undefined, cluster: { 'insecure-skip-tls-verify': true } });
  assert.equal(anonymous.token, undefined);
  assert.equal(anonymous.isVerified, false);
  assert.equal(anonymous.namespace, 'default');
});

test('of several files the first that has a name wins, and paths are beside their own file', () => {
  const second = text({ user: { tokenFile: 'token' } }).replace('"home"', '"away"');
  const first = JSON.stringify({ clusters: [{ name: 'here', cluster: { server: 'https://192.0.2.3' } }] });
  const result = kubeconfigAccess(
    [
      { file: '/a/config', text: first },
      { file: '/b/config', text: second },
    ],
    'home',
  );
  assert.ok(result.ok);
  assert.deepEqual(result.value.servers, ['https://192.0.2.3']);
  assert.deepEqual(result.value.token, { file: '/b/token' });
});

test('YAML is read as well as JSON', () => {
  const yaml = `
current-context: home
contexts: [{name: home, context: {cluster: here}}]
clusters:
- name: here
  cluster: {server: "http://127.0.0.1:8001"}
`;
  const result = kubeconfigAccess([{ file: 'config', text: yaml }]);
  assert.ok(result.ok);
  assert.deepEqual(result.value.servers, ['http://127.0.0.1:8001']);
});

test('every mistake is told with its place, and what to do', () => {
  const cases: readonly (readonly [AccessReason['kind'], RegExp, string, string?])[] = [
    ['kubeconfig-malformed', /config0/, '['],
    ['kubeconfig-malformed', /no object/, '[]'],
    ['context-missing', /no context nowhere; choose one of home, away/, text({}), 'nowhere'],
    ['context-missing', /set current-context/, text({}).replace('"current-context":"home",', '')],
    ['entry-missing', /names there, which is not in its clusters/, text({}), 'away'],
    ['entry-missing', /you, which is not in its users/, text({ context: { user: 'you' } })],
    ['kubeconfig-field', /clusters\[0\]\.cluster\.server/, text({ cluster: { server: '192.0.2.2' } })],
    ['kubeconfig-field', /proxy-url: this is not/, text({ cluster: { 'proxy-url': 'http://192.0.2.9' } })],
    ['kubeconfig-field', /users\[0\]\.user\.username/, text({ user: { username: 'a' } })],
    ['kubeconfig-field', /PEM in base64/, text({ cluster: { 'certificate-authority-data': 'e30=' } })],
    ['kubeconfig-field', /together/, text({ user: { 'client-certificate': 'a.crt' } })],
    ['plugin-needed', /me .* by kubelogin/, text({ user: { exec: { command: 'kubelogin' } } })],
    ['plugin-needed', /me .* by oidc/, text({ user: { 'auth-provider': { name: 'oidc' } } })],
  ];
  for (const [kind, sentence, file, context] of cases) {
    const reason = reasonOf([file], context);
    assert.equal(reason.kind, kind, file);
    assert.match(accessSentence(reason), sentence);
  }
});
