// What the webhook changes in the cluster so that the API server believes it, and reads BGPPeers without anybody's help.
import { webhookConfigurationName } from '../../api/webhook/configuration.ts';
import { conversionServiceOf, noConversion } from '../../api/webhook/conversion-service.ts';
import { isRecord } from '../../kubernetes/api-object.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import { getObject, jsonPatch, mergePatch } from '../../kubernetes/objects.ts';
import { type ApiResult, done } from '../../kubernetes/reason.ts';
import {
  customResourceDefinitions,
  services,
  validatingWebhookConfigurations,
} from '../../kubernetes/resource.ts';

/**
 * Puts the bundle (PEM in base64) into the ValidatingWebhookConfiguration, where it is another there. `absent`: it is not
 * installed, so nobody asks.
 */
export async function injectBundle(
  client: ApiClient,
  bundle: string,
): Promise<ApiResult<'injected' | 'was-there' | 'absent'>> {
  const name = { name: webhookConfigurationName };
  const found = await getObject(client, validatingWebhookConfigurations, name);
  if (!found.ok) return found.reason.kind === 'not-found' ? done('absent') : found;
  const webhooks = Array.isArray(found.value['webhooks']) ? found.value['webhooks'] : [];
  const operations = webhooks.flatMap((webhook: unknown, index) =>
    caBundleOf(webhook) === bundle
      ? []
      : [{ op: 'add' as const, path: `/webhooks/${index}/clientConfig/caBundle`, value: bundle }],
  );
  if (operations.length === 0) return done('was-there');
  const { resourceVersion } = found.value.metadata;
  const patched = await jsonPatch(client, validatingWebhookConfigurations, name, operations, {
    resourceVersion,
  });
  return patched.ok ? done('injected') : patched;
}

function caBundleOf(webhook: unknown): unknown {
  const clientConfig = isRecord(webhook) ? webhook['clientConfig'] : undefined;
  return isRecord(clientConfig) ? clientConfig['caBundle'] : undefined;
}

const bgpPeerDefinition = 'bgppeers.metallb.io';

/**
 * A webhook that converts BGPPeers and whose Service is gone, as the one that served before may leave behind, has the API
 * server refuse to read them: it is taken out of their definition.
 */
export async function dropLostConversion(client: ApiClient): Promise<ApiResult<'dropped' | 'in-order'>> {
  const name = { name: bgpPeerDefinition };
  const found = await getObject(client, customResourceDefinitions, name);
  if (!found.ok) return found.reason.kind === 'not-found' ? done('in-order') : found;
  const service = conversionServiceOf(found.value);
  if (service === undefined) return done('in-order');
  const there = await getObject(client, services, service);
  if (there.ok) return done('in-order');
  if (there.reason.kind !== 'not-found') return there;
  const { resourceVersion } = found.value.metadata;
  const patched = await mergePatch(client, customResourceDefinitions, name, noConversion, {
    resourceVersion,
  });
  return patched.ok ? done('dropped') : patched;
}
