// Every documented rejection, by everyone who judges: refused, with the field, the value and the rule.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverRefusals } from '../crd/fake-api-server.ts';
import { planConfiguration } from '../cross-object.ts';
import { formatPath, hasError } from '../field-problem.ts';
import { kinds } from '../kinds.ts';
import { parseObject } from '../parse-object.ts';
import { contextOf } from '../webhook/sample-context.ts';
import { judge } from '../webhook/verdict.ts';
import type { Rejection } from './rejection.ts';
import { rejections } from './table.ts';

const judged = ({ object, before, beside = [] }: Rejection) => {
  const context = contextOf(before === undefined ? beside : [before, ...beside]);
  const question = { group: 'metallb.io', kind: String(object['kind']), subResource: '' };
  return judge({ ...question, object, oldObject: before }, context).filter(
    ({ severity }) => severity === 'error',
  );
};

test('the webhook refuses each, and names field, value and rule', () => {
  for (const rejection of rejections) {
    const [first, ...rest] = judged(rejection);
    assert.ok(first, `${rejection.title} is let through`);
    assert.deepEqual(rest, [], rejection.title);
    assert.equal(formatPath(first.path), rejection.field, rejection.title);
    assert.deepEqual(first.value, rejection.value, rejection.title);
    assert.match(first.rule, rejection.rule, rejection.title);
  }
});

test('the parser alone refuses each, or it breaks a rule between objects', () => {
  const between =
    /overlaps .* of the IPAddressPool|set aside|no BFDProfile|BGPAdvertisement older|Community|pool public|cannot be changed|namespace .* alone/;
  for (const rejection of rejections) {
    const refused = hasError(parseObject(rejection.object).problems);
    const [first] = judged(rejection);
    assert.equal(refused, !between.test(first?.rule ?? ''), rejection.title);
  }
});

test('the API server refuses by itself what the schema says, at the same field', () => {
  for (const { title, object, before, by, field } of rejections) {
    const refusals = serverRefusals(object, before);
    if (by === 'webhook') assert.deepEqual(refusals, [], title);
    else
      assert.ok(
        refusals.some((refusal) => refusal.field === field),
        `${title}: ${JSON.stringify(refusals)}`,
      );
  }
});

test('what stands beside them is valid, and so is what they replace', () => {
  for (const { title, before, beside = [] } of rejections) {
    const objects = before === undefined ? beside : [before, ...beside];
    const errors = planConfiguration(contextOf(objects)).problems.filter(
      ({ problem }) => problem.severity === 'error',
    );
    assert.deepEqual(errors, [], title);
    for (const object of objects) assert.deepEqual(serverRefusals(object), [], title);
  }
});

test('there is a rejection of every configuration kind and version', () => {
  const refused = new Set(rejections.map(({ object }) => `${object['kind']} ${object['apiVersion']}`));
  const all = Object.entries(kinds).flatMap(([kind, { apiVersions }]) =>
    apiVersions.filter((version) => version.startsWith('metallb.io/')).map((version) => `${kind} ${version}`),
  );
  assert.deepEqual([...refused].sort(), all.sort());
});
