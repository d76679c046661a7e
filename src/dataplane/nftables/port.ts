// What the data plane needs of nf_tables: one transaction at a time on one table, and reading it back.
import type { Element } from './elements.ts';
import type { Operation, SetDefinition } from './operation.ts';

export interface NftablesPort extends Disposable {
  /**
   * Applies all operations as one transaction, or none. Returns when the kernel is done, about 2 µs an element; nothing
   * else runs in this process meanwhile.
   */
  commit(operations: readonly Operation[]): CommitResult;
  /** The table's chains, with the number of their rules; undefined where there is no table. */
  chains(): ReadonlyMap<string, number> | undefined;
  /** The names of the table's sets and maps. */
  sets(): readonly string[];
  /**
   * What a set holds, in no order, part by part, so that the caller may let others run in between; no `commit` before
   * the last part. Elements come without comments.
   */
  elements(set: SetDefinition): Iterable<readonly Element[]>;
  /** Counts the transactions of everybody on this host's nf_tables, roughly: another number means there was one. */
  generation(): number;
}

export type CommitResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** Which operation the kernel refused, by its index; undefined where it blames none. */
      readonly operation: number | undefined;
      /** An errno's name, such as ENOENT. */
      readonly code: string;
      /** The kernel's own words, or empty. */
      readonly detail: string;
    };

/** What an operation does to what, for people. */
export function describeOperation(operation: Operation): string {
  const verb = operation.op.replace('-', ' ');
  switch (operation.op) {
    case 'add-table':
    case 'delete-table':
      return verb;
    case 'add-chain':
    case 'delete-chain':
    case 'add-rule':
    case 'flush-chain':
      return `${verb} ${operation.chain}`;
    case 'add-set':
      return `${verb} ${operation.set.name}`;
    case 'delete-set':
    case 'add-elements':
    case 'delete-elements':
      return `${verb} ${operation.set}`;
    default:
      return operation satisfies never;
  }
}
