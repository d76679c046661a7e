// What a Service asks of the allocator by annotations and `spec.loadBalancerIP`.
import { type Address, parseAddress } from '../model/address.ts';
import type { AddressRequest } from '../model/service.ts';
import { type FieldPath, type FieldProblem, fieldError, fieldWarning } from './field-problem.ts';
import { nearest } from './nearest.ts';
import { allocatedFromPoolAnnotation } from './status.ts';

const prefix = 'metallb.io/';
const legacyPrefix = 'metallb.universe.tf/';

const poolAnnotation = 'metallb.io/address-pool';
const addressesAnnotation = 'metallb.io/loadBalancerIPs';
const sharingKeyAnnotation = 'metallb.io/allow-shared-ip';
const requestAnnotations = [poolAnnotation, addressesAnnotation, sharingKeyAnnotation];

type Annotations = Readonly<Record<string, string>>;

/** The request, with its first problem in `problem`; all problems, and warnings of legacy and unknown annotations. */
export function addressRequest(
  annotations: Annotations,
  loadBalancerIp: string | undefined,
): { readonly object: AddressRequest; readonly problems: readonly FieldProblem[] } {
  const given = (annotation: string): string | undefined => {
    const value = annotations[annotation] ?? annotations[legacyName(annotation)];
    return value === undefined || value.trim() === '' ? undefined : value.trim();
  };
  const listed = given(addressesAnnotation);
  const single = loadBalancerIp === undefined || loadBalancerIp === '' ? undefined : loadBalancerIp;
  const listedPath = pathOf(
    annotations[addressesAnnotation] === undefined ? legacyName(addressesAnnotation) : addressesAnnotation,
  );
  const singlePath = ['spec', 'loadBalancerIP'];
  const asked = listed === undefined ? readAddresses(singlePath, single) : readAddresses(listedPath, listed);
  const errors = [...asked.errors];
  if (single !== undefined && listed !== undefined) {
    const rule = `The annotation ${addressesAnnotation} asks for addresses as well: keep the annotation and remove this.`;
    errors.unshift(fieldError(singlePath, single, rule));
  }
  const legacyAnnotations = requestAnnotations
    .map(legacyName)
    .filter((name) => annotations[name] !== undefined);
  const [first] = errors;
  return {
    object: {
      pool: given(poolAnnotation),
      addresses: errors.length > 0 ? [] : asked.addresses,
      sharingKey: given(sharingKeyAnnotation),
      legacyAnnotations,
      problem: first === undefined ? undefined : asSentence(first),
    },
    problems: [...errors, ...annotationWarnings(annotations)],
  };
}

const legacyName = (annotation: string): string => legacyPrefix + annotation.slice(prefix.length);

const pathOf = (annotation: string): FieldPath => ['metadata', 'annotations', annotation];

/** Comma-separated addresses, at most one a family. */
function readAddresses(
  path: FieldPath,
  text: string | undefined,
): { readonly addresses: readonly Address[]; readonly errors: readonly FieldProblem[] } {
  const addresses: Address[] = [];
  const errors: FieldProblem[] = [];
  for (const part of text?.split(',') ?? []) {
    const address = parseAddress(part.trim());
    if (address === undefined) {
      errors.push(fieldError(path, text, `"${part.trim().slice(0, 45)}" is not an IP address: correct it.`));
    } else if (addresses.some(({ family }) => family === address.family)) {
      errors.push(
        fieldError(path, text, `At most one ${address.family} address can be asked for: remove one.`),
      );
    } else addresses.push(address);
  }
  return { addresses, errors };
}

/** `field: value: rule`: the sentence goes into an Event of the Service, which has no other columns. */
function asSentence({ path, value, rule }: FieldProblem): string {
  return `${String(path.at(-1))}: ${JSON.stringify(value)}: ${rule}`;
}

function annotationWarnings(annotations: Annotations): FieldProblem[] {
  const known = [...requestAnnotations, allocatedFromPoolAnnotation];
  return Object.entries(annotations).flatMap(([name, value]) => {
    if (!name.startsWith(prefix) && !name.startsWith(legacyPrefix)) return [];
    const current = name.startsWith(prefix) ? name : prefix + name.slice(legacyPrefix.length);
    if (!known.includes(current)) {
      const meant = nearest(current, known);
      const advice = meant === undefined ? 'Remove it.' : `Did you mean ${meant}?`;
      return [
        fieldWarning(pathOf(name), value, `There is no such annotation, so it has no effect. ${advice}`),
      ];
    }
    // Where an address is from is written by load balancers, not by people.
    if (current === name || current === allocatedFromPoolAnnotation) return [];
    return [fieldWarning(pathOf(name), value, `The prefix ${legacyPrefix} is deprecated: write ${current}.`)];
  });
}
