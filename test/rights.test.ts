// The rights of accounts against what they ask for: the lab's way to tell which rules are needed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditedRequest } from '../lab/control-plane/audit.ts';
import { missingRights, unusedRights, userOf } from '../lab/control-plane/rights.ts';
import { accountOf } from '../lab/deployment.ts';

const holder = {
  namespace: 'gantry-system',
  name: 'somebody',
  rules: [{ apiGroups: [''], resources: ['services', 'nodes'], verbs: ['list', 'watch'] }],
  namespaceRules: [
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['one', 'other'], verbs: ['get'] },
    { apiGroups: ['metallb.io'], resources: ['servicel2statuses'], verbs: ['create', 'patch'] },
    { apiGroups: ['metallb.io'], resources: ['servicel2statuses/status'], verbs: ['patch'] },
  ],
};

const asked = (verb: string, resource: string, rest: Partial<AuditedRequest> = {}): AuditedRequest => ({
  user: userOf(holder),
  verb,
  apiGroup: '',
  resource,
  namespace: undefined,
  name: undefined,
  query: '',
  code: 200,
  ...rest,
});

const all = [
  'list services',
  'watch services',
  'list nodes',
  'watch nodes',
  'get one of secrets in gantry-system',
  'get other of secrets in gantry-system',
  'create servicel2statuses.metallb.io in gantry-system',
  'patch servicel2statuses.metallb.io in gantry-system',
  'patch servicel2statuses/status.metallb.io in gantry-system',
];

const unusedAfter = (...requests: readonly AuditedRequest[]): readonly string[] =>
  unusedRights(holder, requests);
const without = (...used: readonly string[]): readonly string[] =>
  all.filter((right) => !used.includes(right));

test('a right is used by a request that needs it, and by no other', () => {
  assert.deepEqual(unusedAfter(), all);
  assert.deepEqual(unusedAfter(asked('list', 'services')), without('list services'));
  assert.deepEqual(unusedAfter(asked('list', 'services', { namespace: 'shop' })), without('list services'));
  assert.deepEqual(unusedAfter(asked('get', 'services'), asked('list', 'pods')), all);
  assert.deepEqual(unusedAfter(asked('list', 'services', { apiGroup: 'example' })), all);
  assert.deepEqual(
    unusedAfter(asked('list', 'services', { user: 'system:serviceaccount:shop:somebody' })),
    all,
  );
});

test('a right for one object or namespace is not used by requests for others', () => {
  const one = { namespace: 'gantry-system', name: 'one' };
  assert.deepEqual(unusedAfter(asked('get', 'secrets', one)), without('get one of secrets in gantry-system'));
  assert.deepEqual(unusedAfter(asked('get', 'secrets', { ...one, namespace: 'shop' })), all);
});

test('who patches into being what was not there uses the right to create it', () => {
  const report = { apiGroup: 'metallb.io', namespace: 'gantry-system', name: 'l2-1' };
  const patch = 'patch servicel2statuses.metallb.io in gantry-system';
  const create = 'create servicel2statuses.metallb.io in gantry-system';
  assert.deepEqual(unusedAfter(asked('patch', 'servicel2statuses', report)), without(patch));
  assert.deepEqual(
    unusedAfter(asked('patch', 'servicel2statuses', { ...report, code: 201 })),
    without(patch, create),
  );
});

test('what is refused for want of a right uses none, and is told once', () => {
  const refused = asked('delete', 'services', { namespace: 'shop', name: 'web', code: 403 });
  const requests = [refused, refused, asked('list', 'services', { code: 403 })];
  assert.deepEqual(unusedRights(holder, requests), all);
  assert.deepEqual(missingRights(holder, requests), ['delete web of services in shop', 'list services']);
  assert.deepEqual(missingRights({ ...holder, name: 'another' }, requests), []);
});

test('the rights of each program are those that deploy/ binds to its account', () => {
  assert.deepEqual(accountOf('pulse').rules, []);
  assert.deepEqual(accountOf('pulse').namespaceRules, []);
  const rightsOf = (program: 'controller' | 'agent') => unusedRights(accountOf(program), []);
  assert.ok(rightsOf('agent').includes('list endpointslices.discovery.k8s.io'));
  assert.ok(rightsOf('agent').includes('watch pods in gantry-system'));
  // For passwords of peers; it may write none, and read none elsewhere.
  assert.deepEqual(
    rightsOf('agent').filter((right) => right.includes('secrets')),
    ['list secrets in gantry-system', 'watch secrets in gantry-system'],
  );
  assert.ok(rightsOf('controller').includes('patch services/status'));
  assert.ok(rightsOf('controller').includes('get gantry-webhook of secrets in gantry-system'));
});
