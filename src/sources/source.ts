// Where objects come from: the one interface behind which a folder and a Kubernetes API look alike.
import type { ObjectProblem } from '../model/problem.ts';
import type { ChangeBatch } from '../model/world.ts';

export interface SourceListener {
  /** Batches arrive in order, never while another is being handled. A Service's `allocated` comes from its status. */
  batch(batch: ChangeBatch): void;
  /** All problems that stand now, whenever they changed. */
  problems(problems: readonly ObjectProblem[]): void;
}

export interface Source extends AsyncDisposable {
  /** Begins to read and then to watch; resolves when the first list is whole and was delivered. */
  start(listener: SourceListener): Promise<void>;
}
