// Compares the rights of an account with what it asked for: each right it never used, and each request it had none for.
import type { AccountRequest, PolicyRule } from './accounts.ts';
import type { AuditedRequest } from './audit.ts';

/** The smallest part of a rule: one verb for one resource, or for one object of it. */
interface Right {
  readonly verb: string;
  readonly apiGroup: string;
  readonly resource: string;
  readonly name: string | undefined;
  /** Undefined: in all. */
  readonly namespace: string | undefined;
}

export const userOf = ({ namespace, name }: AccountRequest): string =>
  `system:serviceaccount:${namespace}:${name}`;

/** As sentences: `list pods in gantry-system`, `patch gantry of validatingwebhookconfigurations.admission…`. */
export function unusedRights(holder: AccountRequest, requests: readonly AuditedRequest[]): string[] {
  const own = requests.filter(({ user, code }) => user === userOf(holder) && code !== 403);
  return rightsOf(holder)
    .filter((right) => !own.some((request) => uses(request, right)))
    .map(textOf);
}

/** The same of requests that the server refused for want of a right; each once. */
export function missingRights(holder: AccountRequest, requests: readonly AuditedRequest[]): string[] {
  const refused = requests.filter(({ user, code }) => user === userOf(holder) && code === 403);
  return [...new Set(refused.map(textOf))];
}

function rightsOf({ rules = [], namespaceRules = [], namespace }: AccountRequest): Right[] {
  const expand = (rule: PolicyRule, where: string | undefined): Right[] =>
    (rule.apiGroups ?? []).flatMap((apiGroup) =>
      (rule.resources ?? []).flatMap((resource) =>
        (rule.resourceNames ?? [undefined]).flatMap((name) =>
          rule.verbs.map((verb) => ({ verb, apiGroup, resource, name, namespace: where })),
        ),
      ),
    );
  return [
    ...rules.flatMap((rule) => expand(rule, undefined)),
    ...namespaceRules.flatMap((rule) => expand(rule, namespace)),
  ];
}

const uses = (request: AuditedRequest, right: Right): boolean =>
  verbsOf(request).includes(right.verb) &&
  request.apiGroup === right.apiGroup &&
  request.resource === right.resource &&
  (right.name === undefined || request.name === right.name) &&
  (right.namespace === undefined || request.namespace === right.namespace);

/** What was patched or updated into being took the right to create it, too. */
const verbsOf = ({ verb, code }: AuditedRequest): readonly string[] =>
  code === 201 ? [verb, 'create'] : [verb];

function textOf({ verb, apiGroup, resource, name, namespace }: Right): string {
  const kind = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  const what = name === undefined ? kind : `${name} of ${kind}`;
  return namespace === undefined ? `${verb} ${what}` : `${verb} ${what} in ${namespace}`;
}
