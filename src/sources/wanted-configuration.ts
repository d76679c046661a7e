// The configuration kinds, which come into force together: what is wanted, and what that makes.
import {
  type Configuration,
  type ConfigurationKind,
  type CrossObjectProblem,
  configurationKinds,
  noConfiguration,
  planConfiguration,
} from '../api/cross-object.ts';
import { changeOf, type Identity, objectOf } from '../api/parse-object.ts';
import type { Node } from '../model/node.ts';
import type { Change, ObjectOfKind } from '../model/world.ts';

interface Wanted {
  readonly change: Change;
  readonly creationTimestamp: string | undefined;
}

export class WantedConfiguration {
  /** Objects that are valid by themselves, by id. */
  readonly #wanted = new Map<string, Wanted>();
  #inForce: Configuration = noConfiguration;
  #problems: readonly CrossObjectProblem[] = [];
  /** Pools that were in force before this process began. */
  establishedPools: ReadonlySet<string> = new Set();

  want(id: string, change: Change, creationTimestamp: string | undefined): void {
    this.#wanted.set(id, { change, creationTimestamp });
  }

  drop(id: string): void {
    this.#wanted.delete(id);
  }

  creationOf(id: string): string | undefined {
    return this.#wanted.get(id)?.creationTimestamp;
  }

  get problems(): readonly CrossObjectProblem[] {
    return this.#problems;
  }

  has(kind: ConfigurationKind, key: string): boolean {
    return this.#inForce[kind].has(key);
  }

  /** True where a change of a node may change what is in force. */
  get dependsOnNodes(): boolean {
    return this.#inForce.BGPAdvertisement.size > 0;
  }

  /** Brings into force what can be, and gives the state of every object that is or was in force. */
  plan(nodes: ReadonlyMap<string, Node>): Change[] {
    const before = this.#inForce;
    const { inForce, problems } = planConfiguration({
      candidates: {
        IPAddressPool: this.#candidates('IPAddressPool'),
        L2Advertisement: this.#candidates('L2Advertisement'),
        Community: this.#candidates('Community'),
        BFDProfile: this.#candidates('BFDProfile'),
        BGPPeer: this.#candidates('BGPPeer'),
        BGPAdvertisement: this.#candidates('BGPAdvertisement'),
      },
      inForce: before,
      establishedPools: this.establishedPools,
      nodes,
    });
    this.#inForce = inForce;
    this.#problems = problems;
    return configurationKinds.flatMap((kind) => statesOf(kind, before, inForce));
  }

  #candidates<K extends ConfigurationKind>(kind: K) {
    const candidates = new Map<string, { object: ObjectOfKind[K]; creationTimestamp: string | undefined }>();
    for (const { change, creationTimestamp } of this.#wanted.values()) {
      const object = objectOf(kind, change);
      if (object !== undefined) candidates.set(change.key, { object, creationTimestamp });
    }
    return candidates;
  }
}

function statesOf<K extends ConfigurationKind>(
  kind: K,
  before: Configuration,
  after: Configuration,
): Change[] {
  const objects: ReadonlyMap<string, ObjectOfKind[K]> = after[kind];
  const gone = [...before[kind].keys()].filter((key) => !objects.has(key));
  return [
    ...gone.map((key) => changeOf(kind, key, undefined)),
    ...[...objects].map(([key, object]) => changeOf(kind, key, object)),
  ];
}

export const isConfiguration = (identity: Identity): identity is Identity & { kind: ConfigurationKind } =>
  (configurationKinds as readonly string[]).includes(identity.kind);
