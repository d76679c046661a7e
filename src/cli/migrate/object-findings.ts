// What becomes of MetalLB's own objects: pools, advertisements, peers, BFD profiles, communities, and what is beside them.
import { isRecord } from '../../api/record.ts';
import type { ApiObject } from '../../kubernetes/api-object.ts';
import type { ObjectProblem } from '../../model/problem.ts';
import { type Finding, finding, type Verdict } from './finding.ts';
import { configuringKinds, type MetalLb } from './metallb.ts';

export const objectFindings = (metallb: MetalLb): Finding[] => [
  ...metallb.objects.flatMap((object) => objectFinding(object, metallb)),
  ...metallb.configMaps.flatMap(configMapFinding),
];

function objectFinding(object: ApiObject, { namespace, snapshot }: MetalLb): Finding[] {
  const { kind, apiVersion, metadata } = object;
  const name = `${kind} ${metadata.namespace === namespace ? '' : `${metadata.namespace}/`}${metadata.name}`;
  if (kind === 'FRRConfiguration') return [frrFinding(name, object)];
  if (!apiVersion.startsWith('metallb.io/')) return [];
  if (kind === 'AddressPool')
    return [finding(name, 'changes', 'is of a kind that Gantry has not: write an IPAddressPool instead')];
  if (!configuringKinds.includes(kind)) return [];
  if (metadata.namespace !== namespace)
    return [finding(name, 'note', `is not in ${namespace}, so it configures neither MetalLB nor Gantry`)];
  const problems = snapshot.problems.filter((one) => one.kind === kind && one.name === metadata.name);
  const said = problems.map((problem) => problemFinding(name, problem));
  return said.length > 0 ? said : [finding(name, 'same', 'carries over')];
}

function problemFinding(name: string, { field, value, rule, severity }: ObjectProblem): Finding {
  const verdict: Verdict = severity === 'error' ? 'changes' : 'note';
  const where = [field, value].filter((part) => part !== '').join(': ');
  return finding(name, verdict, `${severity === 'error' ? 'is set aside: ' : ''}${where}: ${rule}`);
}

function frrFinding(name: string, { spec }: ApiObject): Finding {
  const isRaw = isRecord(spec) && isRecord(spec['raw']) && Boolean(spec['raw']['rawConfig']);
  const what = isRaw ? 'has raw configuration of FRR' : 'configures FRR';
  return finding(
    name,
    isRaw ? 'changes' : 'note',
    `${what}, which Gantry does not run: what is in it beside MetalLB's own has to come from elsewhere`,
  );
}

function configMapFinding(name: string): Finding[] {
  const object = `ConfigMap ${name}`;
  switch (name) {
    case 'bgpextras':
      return [finding(object, 'changes', 'has raw configuration of FRR, which Gantry does not run')];
    case 'metallb-excludel2':
      return [
        finding(
          object,
          'note',
          'names interfaces that are never answered on: Gantry has such a list, see gantry pulse --exclude-interface',
        ),
      ];
    case 'config':
      return [finding(object, 'note', 'is the configuration of MetalLB before 0.13, and read by nobody')];
    default:
      return [];
  }
}
