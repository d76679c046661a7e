// The rules between configuration objects, all kinds together: what comes into force, and what stands aside and why.
import type { Node } from '../model/node.ts';
import type { ObjectOfKind } from '../model/world.ts';
import { type Admission, admit, type Candidate, noRules } from './admission.ts';
import { missingPools } from './advertised-pools.ts';
import { bgpAdvertisementRules, bgpPeerRules, communityRules } from './bgp-rules.ts';
import type { FieldProblem } from './field-problem.ts';
import type { Identity } from './parse-object.ts';
import { poolRules } from './pool-rules.ts';

export const configurationKinds = [
  'IPAddressPool',
  'L2Advertisement',
  'Community',
  'BFDProfile',
  'BGPPeer',
  'BGPAdvertisement',
] as const;

export type ConfigurationKind = (typeof configurationKinds)[number];

export type ConfigurationCandidates = {
  readonly [K in ConfigurationKind]: ReadonlyMap<string, Candidate<ObjectOfKind[K]>>;
};

export type Configuration = {
  readonly [K in ConfigurationKind]: ReadonlyMap<string, ObjectOfKind[K]>;
};

export interface CrossObjectInput {
  readonly candidates: ConfigurationCandidates;
  readonly inForce: Configuration;
  /** Pools known to have been in force before a restart: they keep their addresses against newcomers. */
  readonly establishedPools: ReadonlySet<string>;
  readonly nodes: ReadonlyMap<string, Node>;
}

export interface CrossObjectProblem extends Identity {
  readonly kind: ConfigurationKind;
  readonly problem: FieldProblem;
}

export interface CrossObjectPlan {
  readonly inForce: Configuration;
  readonly problems: readonly CrossObjectProblem[];
}

export const noConfiguration: Configuration = {
  IPAddressPool: new Map(),
  L2Advertisement: new Map(),
  Community: new Map(),
  BFDProfile: new Map(),
  BGPPeer: new Map(),
  BGPAdvertisement: new Map(),
};

/** Pure: the configuration in force next, from what is wanted and what is in force now. */
export function planConfiguration(input: CrossObjectInput): CrossObjectPlan {
  const { candidates, inForce: before, establishedPools } = input;
  const none: ReadonlySet<string> = new Set();
  const problems: CrossObjectProblem[] = [];
  const take = <T>(kind: ConfigurationKind, { admitted, refusals }: Admission<T>): ReadonlyMap<string, T> => {
    for (const { name, problem } of refusals) problems.push({ kind, key: name, problem });
    return admitted;
  };

  const pools = take(
    'IPAddressPool',
    admit(candidates.IPAddressPool, before.IPAddressPool, establishedPools, poolRules()),
  );
  const l2Advertisements = take(
    'L2Advertisement',
    admit(candidates.L2Advertisement, before.L2Advertisement, none, noRules()),
  );
  const communities = take(
    'Community',
    admit(candidates.Community, before.Community, none, communityRules()),
  );
  const profiles = take('BFDProfile', admit(candidates.BFDProfile, before.BFDProfile, none, noRules()));
  const peers = take('BGPPeer', admit(candidates.BGPPeer, before.BGPPeer, none, bgpPeerRules(profiles)));
  const around = { pools, communities, nodes: input.nodes };
  const bgpAdvertisements = take(
    'BGPAdvertisement',
    admit(candidates.BGPAdvertisement, before.BGPAdvertisement, none, bgpAdvertisementRules(around)),
  );

  const warn = (
    kind: ConfigurationKind,
    advertisements: Iterable<ObjectOfKind['L2Advertisement' | 'BGPAdvertisement']>,
  ) => {
    for (const advertisement of advertisements) {
      for (const problem of missingPools(advertisement, pools))
        problems.push({ kind, key: advertisement.name, problem });
    }
  };
  warn('L2Advertisement', l2Advertisements.values());
  warn('BGPAdvertisement', bgpAdvertisements.values());

  return {
    inForce: {
      IPAddressPool: pools,
      L2Advertisement: l2Advertisements,
      Community: communities,
      BFDProfile: profiles,
      BGPPeer: peers,
      BGPAdvertisement: bgpAdvertisements,
    },
    problems,
  };
}
