// The kinds of metallb.io on a real API server: what it refuses by their definitions, and how kubectl tells of them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApiObject, ApiResponse, Status } from '../../lab/control-plane/api-client.ts';
import { type ControlPlane, startControlPlane } from '../../lab/control-plane/control-plane.ts';
import { until } from '../../lab/gantry.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { namespaceManifest } from '../../lab/manifests.ts';
import { testInsideLab } from '../../lab/rerun.ts';
import { addControlMachine, standardTopology } from '../../lab/topology.ts';
import { edgeObjects, fullObjects } from '../../src/api/crd/sample-objects.ts';
import { servedKinds } from '../../src/api/crd/served-kinds.ts';
import type { RawObject } from '../../src/api/record.ts';
import { ownNamespace } from '../../src/api/rejections/rejection.ts';
import { rejections } from '../../src/api/rejections/table.ts';

testInsideLab(import.meta.filename, () => {
  let lab: Lab;
  let cluster: ControlPlane;

  before(async () => {
    lab = await createLab();
    cluster = await startControlPlane(lab, addControlMachine(lab, standardTopology(lab, 1)), {
      controllers: [],
    });
    await cluster.apply(namespaceManifest(ownNamespace));
    await cluster.kubectl('apply', '-k', join(import.meta.dirname, '../../deploy/crds'));
    for (const served of servedKinds)
      await until(`${served.plural} are served`, async () => {
        const apiVersion = served.versions[0]?.name ?? '';
        const path = pathOf({ apiVersion: `${served.group}/${apiVersion}` }, served.plural);
        const { status } = await cluster.api.request('GET', path);
        return status === 200;
      });
  });

  after(async () => {
    await cluster?.stop();
    await lab?.[Symbol.asyncDispose]();
  });

  const tried = (object: RawObject): Promise<ApiResponse> =>
    cluster.api.request('POST', `${pathOf(object)}?dryRun=All`, object);

  /** As a change of `before`, where there is one. */
  const answerTo = async (object: RawObject, former: RawObject | undefined): Promise<ApiResponse> => {
    if (former === undefined) return tried(object);
    const { metadata } = await cluster.api.call<ApiObject>('POST', pathOf(former), former);
    const one = `${pathOf(object)}/${metadata.name}`;
    const { resourceVersion } = metadata;
    const changed = { ...object, metadata: { ...(object['metadata'] as object), resourceVersion } };
    const answer = await cluster.api.request('PUT', `${one}?dryRun=All`, changed);
    await cluster.api.call('DELETE', one);
    return answer;
  };

  for (const { title, object, before: former, by, field } of rejections) {
    const metadata = object['metadata'] as { readonly namespace?: string };
    if (metadata.namespace !== ownNamespace) continue; // the webhook's: these definitions are served everywhere
    test(`${by === 'schema' ? 'refuses' : 'leaves to the webhook'}: ${title}`, async () => {
      const { status, body } = await answerTo(object, former);
      if (by === 'webhook') return assert.ok(status < 300, JSON.stringify(body));
      assert.equal(status, 422);
      const { details } = body as Status & {
        readonly details: { readonly causes: readonly { readonly field: string }[] };
      };
      const fields = details.causes.map((cause) => cause.field);
      assert.ok(
        fields.some((one) => one === field || field === `${one}.name`),
        `${field} is to blame, not ${fields.join()}`,
      );
    });
  }

  test('accepts all that is in order', async () => {
    for (const object of [...fullObjects, ...edgeObjects]) {
      const { status, body } = await tried(object);
      assert.equal(status, 201, `${JSON.stringify(object)}: ${JSON.stringify(body)}`);
    }
  });

  test('kubectl explains every kind and each field of its spec', async () => {
    for (const { kind, plural, versions } of servedKinds) {
      const text = await cluster.kubectl('explain', plural);
      assert.match(text, new RegExp(`KIND: +${kind}`));
      if (versions.at(-1)?.spec === undefined) continue;
      const fields = await cluster.kubectl('explain', `${plural}.spec`);
      assert.doesNotMatch(fields, /<no description>/);
    }
  });
});

function pathOf(object: RawObject, plural?: string): string {
  const name = plural ?? servedKinds.find(({ kind }) => kind === object['kind'])?.plural;
  return `/apis/${object['apiVersion']}/namespaces/${ownNamespace}/${name}`;
}
