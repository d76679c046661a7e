// The part of our table that never changes: its sets, its base chains, and the few chains whose rules look all up.
//
// One table, `inet gantry`, owned by us alone. A Service has no rules of its own (but for session affinity): a frontend
// is an element of some maps, so a change costs its elements and nothing else. For each new rule the kernel walks the
// maps that it refers to, and for each anonymous set the names of all: at 5,000 Services 20–70 ms against 0.1.
//
//   nat prerouting ─▶ arrive ─┬─▶ outside ─▶ outside-pick-N ─▶ dnat to the endpoint drawn
//   nat output ─────▶ leave ──┴─▶ inside ──▶ inside-pick-N ──▶ the same; what is not there goes on to outside
//   nat postrouting ─▶ masquerade: decided by the connection's original destination, so no packet carries a mark
//   filter prerouting, filter output: affinity is remembered; what is for our addresses still is refused
//
// Priorities: our NAT comes just before kube-proxy's (dstnat −100, srcnat 100), so that our frontends are ours to
// decide; our filter just after it (−90), so that nothing it takes is refused.
//
// Kernels: 5.9 has all of it (reject in prerouting); ranges joined to other fields 5.6, elements removed by rules 5.5,
// inet NAT 5.2, the original tuple's addresses 4.17.
import { hash } from 'node:crypto';
import type { Cidr } from '../../model/address.ts';
import { rememberOperations, scopeOperations } from './affinity.ts';
import {
  accept,
  drop,
  follow,
  goTo,
  hasConnectionBit,
  isFamily,
  isIcmpType,
  isInCidr,
  isOwnAddress,
  isProtocol,
  jump,
  notWithin,
  returnToCaller,
  stateInvalid,
  stateNew,
  stateUntracked,
  statusDestinationNat,
  within,
} from './expression.ts';
import {
  type FamilyLayout,
  familyLayouts,
  loadDestination,
  loadFrontend,
  loadOriginalFrontend,
  loadSource,
  sayingFamily,
} from './family.ts';
import type { BaseChain, Expression, Operation } from './operation.ts';
import { pickChains } from './pick.ts';
import { type Side, setDefinitions, setNames } from './sets.ts';

type Rule = readonly Expression[];

interface Chain {
  readonly name: string;
  readonly base?: BaseChain;
  readonly rules: readonly Rule[];
}

/** Before an endpoint is drawn: answers to ping, source ranges, and clients that went somewhere before. */
function admissionRules(of: FamilyLayout): readonly Rule[] {
  const sets = setNames(of.family);
  return [
    [
      ...isProtocol(of.icmp),
      ...isIcmpType(of.echoRequest),
      loadDestination(of, 0),
      within(sets.addresses, 0),
      { op: 'redirect' },
    ],
    [
      ...loadFrontend(of, 0),
      within(sets.filtered, 0),
      loadSource(of, of.addressWords + 2),
      notWithin(sets.ranges, 0),
      drop,
    ],
    [...loadFrontend(of, 0), follow(sets.sticky, 0)],
  ];
}

const dispatchRule = (of: FamilyLayout, side: Side): Rule => [
  ...loadFrontend(of, 0),
  follow(setNames(of.family)[side], 0),
];

function masqueradeRules(of: FamilyLayout): readonly Rule[] {
  const sets = setNames(of.family);
  const isUnderLocal = [...loadOriginalFrontend(of, 0), within(sets.local, 0)];
  return [
    [...loadOriginalFrontend(of, 0), within(sets.masquerade, 0), { op: 'masquerade' }],
    [...isUnderLocal, ...isOwnAddress('source'), { op: 'masquerade' }],
    [
      ...isUnderLocal,
      loadSource(of, 0),
      loadDestination(of, of.addressWords),
      within(sets.hairpin, 0),
      { op: 'masquerade' },
    ],
  ];
}

/** Refuses what is for one of our addresses and nobody took. The node's own addresses answer for themselves. */
function guardRules(of: FamilyLayout, solicitation: Expression): readonly Rule[] {
  const neighbourDiscovery = [135, 136].map((type) => [
    ...isProtocol(of.icmp),
    ...isIcmpType(type),
    solicitation,
  ]);
  return [
    [...isOwnAddress('destination'), returnToCaller],
    // What is passed back to a former owner (former-owner.ts).
    [...hasConnectionBit('state', stateUntracked), returnToCaller],
    ...(of.family === 'IPv6' ? neighbourDiscovery : []),
    [goTo('refuse')],
  ];
}

/** Leads the traffic of this node's pods to `inside`: a rule for each of the node's pod ranges. */
const podsChain = (of: FamilyLayout): string => `pods${of.suffix}`;

export const podsOperations = (podCidrs: readonly Cidr[]): readonly Operation[] =>
  familyLayouts.flatMap((of): Operation[] => [
    { op: 'flush-chain', chain: podsChain(of) },
    ...podCidrs
      .filter((cidr) => cidr.address.family === of.family)
      .map(
        (cidr): Operation => ({
          op: 'add-rule',
          chain: podsChain(of),
          expressions: sayingFamily(of, [
            loadSource(of, 0),
            ...isInCidr(0, cidr),
            goTo(`inside${of.suffix}`),
          ]),
        }),
      ),
  ]);

function familyChains(of: FamilyLayout): readonly Chain[] {
  const named = (name: string): string => `${name}${of.suffix}`;
  return [
    ...pickChains(of, 'outside'),
    ...pickChains(of, 'inside'),
    { name: named('outside'), rules: [dispatchRule(of, 'outside')] },
    { name: named('inside'), rules: [dispatchRule(of, 'inside'), [goTo(named('outside'))]] },
    { name: podsChain(of), rules: [] },
    {
      name: named('arrive'),
      rules: [...admissionRules(of), [jump(podsChain(of))], [goTo(named('outside'))]],
    },
    { name: named('leave'), rules: [...admissionRules(of), [goTo(named('inside'))]] },
    { name: named('masquerade'), rules: masqueradeRules(of) },
    // Neighbour discovery asks the address itself (RFC 4861 §7.3): who answers for it reads that on the link. Going on,
    // it would be forwarded back, and teach the asker a redirect; a rejection would tell it that nobody is there.
    { name: named('guard-arrive'), rules: guardRules(of, drop) },
    { name: named('guard-leave'), rules: guardRules(of, accept) },
  ];
}

const forEachFamily = (rule: (of: FamilyLayout) => Rule): readonly Rule[] =>
  familyLayouts.map((of) => [...isFamily(of.netfilterProtocol), ...rule(of)]);

const filterRules = (guard: 'guard-arrive' | 'guard-leave'): readonly Rule[] => [
  ...forEachFamily((of) => [
    loadDestination(of, 0),
    within(setNames(of.family).addresses, 0),
    goTo(`${guard}${of.suffix}`),
  ]),
  ...forEachFamily((of) => [
    ...hasConnectionBit('state', stateNew),
    ...loadOriginalFrontend(of, 0),
    follow(setNames(of.family).remember, 0),
  ]),
];

const chains: readonly Chain[] = [
  {
    name: 'refuse',
    rules: [
      [...hasConnectionBit('state', stateInvalid), drop],
      [...isProtocol(6), { op: 'reject', with: 'tcp-reset' }],
      [{ op: 'reject', with: 'port-unreachable' }],
    ],
  },
  { name: 'discard', rules: [[drop]] },
  ...familyLayouts.flatMap((of) =>
    familyChains(of).map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => sayingFamily(of, rule)),
    })),
  ),
  {
    name: 'nat-prerouting',
    base: { type: 'nat', hook: 'prerouting', priority: -110 },
    rules: forEachFamily((of) => [goTo(`arrive${of.suffix}`)]),
  },
  {
    name: 'nat-output',
    base: { type: 'nat', hook: 'output', priority: -110 },
    rules: forEachFamily((of) => [goTo(`leave${of.suffix}`)]),
  },
  {
    name: 'nat-postrouting',
    base: { type: 'nat', hook: 'postrouting', priority: 90 },
    rules: forEachFamily((of) => [
      ...hasConnectionBit('status', statusDestinationNat),
      goTo(`masquerade${of.suffix}`),
    ]),
  },
  {
    name: 'filter-prerouting',
    base: { type: 'filter', hook: 'prerouting', priority: -90 },
    rules: filterRules('guard-arrive'),
  },
  {
    name: 'filter-output',
    base: { type: 'filter', hook: 'output', priority: -90 },
    rules: filterRules('guard-leave'),
  },
];

const contents: readonly Operation[] = [
  ...familyLayouts.flatMap((of) =>
    Object.values(setDefinitions(of.family)).map((set): Operation => ({ op: 'add-set', set })),
  ),
  ...chains.map(({ name, base }): Operation => ({ op: 'add-chain', chain: name, base })),
  ...chains.flatMap(({ name, rules }) =>
    rules.map((expressions): Operation => ({ op: 'add-rule', chain: name, expressions })),
  ),
];

/** Any affinity's operations show the form of all. */
const affinityForm: readonly Operation[] = [
  ...scopeOperations('IPv6', { scope: 'any', timeoutSeconds: 1 }),
  ...rememberOperations('IPv6', { scope: 'any', timeoutSeconds: 1 }),
];

/** An empty chain whose name tells the layout: a table with another one is built anew. */
export const layoutChain = `layout-${hash('sha256', JSON.stringify([contents, affinityForm])).slice(0, 16)}`;

/** Makes the table, without any frontend. */
export const layoutOperations: readonly Operation[] = [
  { op: 'add-table' },
  { op: 'add-chain', chain: layoutChain, base: undefined },
  ...contents,
];

/** How many rules each chain of the layout has; undefined for those of the pods' ranges, which differ. */
export const layoutRules: ReadonlyMap<string, number | undefined> = new Map([
  [layoutChain, 0],
  ...chains.map(({ name, rules }) => [name, rules.length] as const),
  ...familyLayouts.map((of) => [podsChain(of), undefined] as const),
]);
