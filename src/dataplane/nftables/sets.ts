// The sets and maps of the table, by family: what each one's keys and data are.
import type { Family } from '../../model/address.ts';
import { endpointFields, frontendFields, layoutOf } from './family.ts';
import type { FieldType, SetDefinition } from './operation.ts';

/** Where traffic comes from: elsewhere, or this node and its pods. */
export type Side = 'outside' | 'inside';

export const setNames = (family: Family) => {
  const { suffix } = layoutOf(family);
  return {
    /** Frontend → chain (see pick.ts), for traffic from outside, and under Cluster for all. */
    outside: `outside${suffix}`,
    /** Frontend, slot from 0 on → endpoint. */
    outsideEndpoints: `outside${suffix}-endpoints`,
    /** The same for the traffic of this node and its pods under Local. */
    inside: `inside${suffix}`,
    insideEndpoints: `inside${suffix}-endpoints`,
    /** Frontends whose connections are masqueraded: those under Cluster. */
    masquerade: `masquerade${suffix}`,
    /** Frontends under Local. */
    local: `local${suffix}`,
    /** The address of an endpoint on this node, twice: a connection under Local that leads back to its client. */
    hairpin: `hairpin${suffix}`,
    /** Frontends with source ranges. */
    filtered: `filtered${suffix}`,
    /** Frontend, range of addresses that may connect to it. */
    ranges: `ranges${suffix}`,
    /** Frontends with session affinity → chain that keeps a client where it was. */
    sticky: `sticky${suffix}`,
    /** The same frontends → chain that remembers where a client went. */
    remember: `remember${suffix}`,
    /** The same frontends, endpoint: all that they offer. */
    members: `members${suffix}`,
    /** All of our addresses: what is for them and no frontend took is refused. */
    addresses: `addresses${suffix}`,
    /** Frontend → hash of all its elements, how many endpoints outside and inside: read when the table is adopted. */
    contents: `contents${suffix}`,
  };
};

export type SetRole = keyof ReturnType<typeof setNames>;
export const setRoles = Object.keys(setNames('IPv4')) as readonly SetRole[];

export const setDefinitions = (family: Family): Readonly<Record<SetRole, SetDefinition>> => {
  const of = layoutOf(family);
  const names = setNames(family);
  const set = (
    role: SetRole,
    key: readonly FieldType[],
    data: SetDefinition['data'] = undefined,
  ): SetDefinition => ({ name: names[role], key, data, ranges: false, timeoutSeconds: undefined });
  const frontend = frontendFields(of);
  const endpoint = endpointFields(of);
  return {
    outside: set('outside', frontend, 'verdict'),
    outsideEndpoints: set('outsideEndpoints', [...frontend, 'mark'], endpoint),
    inside: set('inside', frontend, 'verdict'),
    insideEndpoints: set('insideEndpoints', [...frontend, 'mark'], endpoint),
    masquerade: set('masquerade', frontend),
    local: set('local', frontend),
    hairpin: set('hairpin', [of.address, of.address]),
    filtered: set('filtered', frontend),
    ranges: { ...set('ranges', [...frontend, of.address]), ranges: true },
    sticky: set('sticky', frontend, 'verdict'),
    remember: set('remember', frontend, 'verdict'),
    members: set('members', [...frontend, ...endpoint]),
    addresses: set('addresses', [of.address]),
    contents: set('contents', frontend, ['mark', 'mark', 'mark', 'mark']),
  };
};
