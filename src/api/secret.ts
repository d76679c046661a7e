// Secret (v1): of those for basic authentication the password, of all others that they are there. No problem shows a value.
import { basicAuthType, type Secret } from '../model/secret.ts';
import { fieldError, type Parsed } from './field-problem.ts';
import { dnsLabel, dnsSubdomain } from './metadata.ts';
import { isRecord, type RawObject } from './record.ts';

/** Never throws. What the API server would refuse is refused, other people's keys are not looked at. */
export function parseSecret(raw: RawObject): Parsed<Secret> {
  const metadata = isRecord(raw['metadata']) ? raw['metadata'] : {};
  const name = dnsSubdomain.safeParse(metadata['name']);
  const namespace = dnsLabel.safeParse(metadata['namespace'] ?? 'default');
  if (!name.success || !namespace.success) {
    const rule =
      'A Secret needs a name that is one in Kubernetes: correct metadata.name and metadata.namespace.';
    return { object: undefined, problems: [fieldError(['metadata', 'name'], metadata['name'], rule)] };
  }
  // As the API server takes it that has no type.
  const { type = 'Opaque' } = raw;
  if (typeof type !== 'string') {
    const rule = `This must be a string, such as ${basicAuthType}.`;
    return { object: undefined, problems: [fieldError(['type'], undefined, rule)] };
  }
  const about = { namespace: namespace.data, name: name.data, type };
  if (type !== basicAuthType) return { object: { ...about, password: undefined }, problems: [] };
  const read = passwordOf(raw);
  if ('rule' in read)
    return { object: undefined, problems: [fieldError([read.field, 'password'], undefined, read.rule)] };
  return { object: { ...about, password: read.password }, problems: [] };
}

type Field = 'data' | 'stringData';

/** `stringData` wins, as in Kubernetes. */
function passwordOf(
  raw: RawObject,
): { readonly password: string | undefined } | { readonly field: Field; readonly rule: string } {
  const plain = valueIn(raw, 'stringData');
  if (plain !== undefined)
    return typeof plain === 'string'
      ? { password: plain === '' ? undefined : plain }
      : { field: 'stringData', rule: 'A password must be a string: put it in quotes.' };
  const encoded = valueIn(raw, 'data');
  if (encoded === undefined || encoded === '') return { password: undefined };
  const wrong = {
    field: 'data',
    rule: 'This must be UTF-8 text in base64: encode it, or use stringData.',
  } as const;
  if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(encoded)) return wrong;
  try {
    return { password: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64')) };
  } catch {
    // A TypeError of the decoder: the bytes are no UTF-8.
    return wrong;
  }
}

function valueIn(raw: RawObject, field: Field): unknown {
  const values = raw[field];
  return isRecord(values) ? (values['password'] ?? undefined) : undefined;
}
