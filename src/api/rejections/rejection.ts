// For tests: an object that must be refused, by whom, and what the refusal says.
//
// One table for all who judge: the parser, the CustomResourceDefinition, the webhook, and a real API server.
import type { RawObject } from '../record.ts';

export interface Rejection {
  /** What is wrong, as a sentence. */
  readonly title: string;
  readonly object: RawObject;
  /** What the object replaces. */
  readonly before?: RawObject;
  /** What else is there, all of it valid. */
  readonly beside?: readonly RawObject[];
  /** `schema`: the API server refuses it by itself. `webhook`: the schema cannot say it. */
  readonly by: 'schema' | 'webhook';
  readonly field: string;
  /** The offending value; undefined where a field is missing. */
  readonly value: unknown;
  /** A part of the sentence that names the rule. */
  readonly rule: RegExp;
}

export const ownNamespace = 'gantry-system';

/** A configuration object in Gantry's own namespace; fields that are undefined are left out. */
export const configured = (
  kind: string,
  name: string,
  spec: object | undefined,
  version: 'v1beta1' | 'v1beta2' = kind === 'BGPPeer' ? 'v1beta2' : 'v1beta1',
): RawObject => ({
  apiVersion: `metallb.io/${version}`,
  kind,
  metadata: { name, namespace: ownNamespace },
  ...(spec === undefined
    ? {}
    : { spec: Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)) }),
});
