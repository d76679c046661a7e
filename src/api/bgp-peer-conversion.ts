// BGPPeers from one version to the other (metallb.io/v1beta1 and v1beta2), with nothing lost on the way.
import { addedFieldNames } from './bgp-peer-schema.ts';
import { isRecord, type RawObject } from './record.ts';

export const bgpPeerVersions = ['metallb.io/v1beta1', 'metallb.io/v1beta2'] as const;

export type BgpPeerVersion = (typeof bgpPeerVersions)[number];

/** Holds, as JSON, what the older version has no field for: programs that know only its fields keep annotations. */
export const addedFieldsAnnotation = 'gantry.dev/bgppeer-v1beta2';

/**
 * The same peer in another version; itself where it has that version already. Takes any JSON: what is not as it should
 * be is left for the validation to refuse. Nothing but the version, the spec and one annotation differs.
 */
export function convertBgpPeer(raw: RawObject, to: BgpPeerVersion): RawObject {
  if (raw['apiVersion'] === to) return raw;
  const converted = { ...raw, apiVersion: to };
  if (!isRecord(raw['spec'])) return converted;
  switch (to) {
    case 'metallb.io/v1beta1':
      return toOlder(converted, raw['spec']);
    case 'metallb.io/v1beta2':
      return toNewer(converted, raw['spec']);
    default:
      return to satisfies never;
  }
}

function toOlder(raw: RawObject, spec: RawObject): RawObject {
  const isAdded = ([name]: [string, unknown]): boolean => addedFieldNames.includes(name);
  const fields = Object.entries(spec);
  // A field with its default is absent in as many words, and needs no annotation.
  const added = Object.fromEntries(fields.filter((field) => isAdded(field) && field[1] !== false));
  const older = {
    peerASN: 0,
    peerAddress: '',
    ...Object.fromEntries(fields.filter((field) => !isAdded(field))),
  };
  const note = Object.keys(added).length === 0 ? undefined : JSON.stringify(added);
  return withNote({ ...raw, spec: older }, note);
}

function toNewer(raw: RawObject, spec: RawObject): RawObject {
  const newer: Record<string, unknown> = { ...addedFieldsOf(raw), ...spec };
  // 0 and '' are how the older version says "none".
  if (newer['peerASN'] === 0) delete newer['peerASN'];
  if (newer['peerAddress'] === '') delete newer['peerAddress'];
  return withNote({ ...raw, spec: newer }, undefined);
}

/** What the annotation holds, known fields only; nothing where it is no JSON. */
function addedFieldsOf(raw: RawObject): RawObject {
  const note = annotationsOf(raw)[addedFieldsAnnotation];
  if (typeof note !== 'string') return {};
  let fields: unknown;
  try {
    fields = JSON.parse(note);
  } catch {
    // Somebody wrote over it: there is nothing left to bring back.
    return {};
  }
  if (!isRecord(fields)) return {};
  return Object.fromEntries(Object.entries(fields).filter(([name]) => addedFieldNames.includes(name)));
}

function annotationsOf(raw: RawObject): RawObject {
  const metadata = raw['metadata'];
  return isRecord(metadata) && isRecord(metadata['annotations']) ? metadata['annotations'] : {};
}

function withNote(raw: RawObject, note: string | undefined): RawObject {
  const before = annotationsOf(raw);
  if (note === undefined && !Object.hasOwn(before, addedFieldsAnnotation)) return raw;
  const { [addedFieldsAnnotation]: _, ...others } = before;
  const annotations = note === undefined ? others : { ...others, [addedFieldsAnnotation]: note };
  const { annotations: __, ...rest } = isRecord(raw['metadata']) ? raw['metadata'] : {};
  const metadata = Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
  return { ...raw, metadata };
}
