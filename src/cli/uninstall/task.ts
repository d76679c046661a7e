// One thing that `gantry uninstall` has to do; done twice it is as done once.

export interface Task {
  /** Such as `delete ConfigMap gantry-system/gantry-ledger`. */
  readonly what: string;
  /** Rejects with a sentence where it fails. */
  readonly work: () => Promise<void>;
}

/** The name that changes have in `metadata.managedFields`, so that Gantry's own goes. */
export const leaver = 'uninstall';
