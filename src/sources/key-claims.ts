// Which file has an object in force, where several may have the same key.
import { type Identity, idOf } from '../api/parse-object.ts';
import type { FileEntry } from './manifest-file.ts';

export interface Claimant {
  readonly file: string;
  readonly entry: FileEntry;
}

/** All files that have one key. */
export interface Claim {
  readonly identity: Identity;
  readonly claimants: readonly Claimant[];
  /** The file whose object is in force. */
  readonly owner: string | undefined;
}

interface OpenClaim extends Claim {
  readonly claimants: Claimant[];
  owner: string | undefined;
}

/** Ids are those of `idOf`. */
export class KeyClaims {
  readonly #claims = new Map<string, OpenClaim>();
  readonly #conflicts = new Set<string>();

  add(file: string, entry: FileEntry): void {
    const id = idOf(entry.identity);
    const claim = this.#claims.get(id);
    if (claim !== undefined) claim.claimants.push({ file, entry });
    else this.#claims.set(id, { identity: entry.identity, claimants: [{ file, entry }], owner: undefined });
  }

  remove(file: string, identity: Identity): void {
    const claimants = this.#claims.get(idOf(identity))?.claimants ?? [];
    const index = claimants.findIndex((claimant) => claimant.file === file);
    if (index >= 0) claimants.splice(index, 1);
  }

  get(id: string): Claim | undefined {
    return this.#claims.get(id);
  }

  /** Claims of several present files at once. */
  get conflicts(): ReadonlySet<string> {
    return this.#conflicts;
  }

  /**
   * Decides who has the key: the file that had it so far, else the first by name. Files that `vanished` come last. A
   * claim without claimants is forgotten.
   */
  resolve(id: string, vanished: ReadonlySet<string>): FileEntry | undefined {
    const claim = this.#claims.get(id);
    if (claim === undefined) return undefined;
    const { claimants } = claim;
    if (claimants.length === 0) this.#claims.delete(id);
    const present = claimants.filter(({ file }) => !vanished.has(file));
    if (present.length > 1) this.#conflicts.add(id);
    else this.#conflicts.delete(id);

    const valid = claimants.filter(({ entry }) => entry.change !== undefined);
    const validPresent = valid.filter(({ file }) => !vanished.has(file));
    const choice = validPresent.length > 0 ? validPresent : valid;
    const chosen = choice.find(({ file }) => file === claim.owner) ?? firstByName(choice);
    claim.owner = chosen?.file;
    return chosen?.entry;
  }
}

export const firstByName = (claimants: readonly Claimant[]): Claimant | undefined =>
  claimants.reduce<Claimant | undefined>(
    (first, claimant) => (first !== undefined && first.file < claimant.file ? first : claimant),
    undefined,
  );
