// What a snapshot is made of, wherever it is read: objects, and statuses in the API's shape.
import type { ObjectProblem } from '../model/problem.ts';
import type { StatusObject } from '../model/status.ts';
import type { World } from '../model/world.ts';

export interface SnapshotParts {
  readonly world: World;
  readonly problems: readonly ObjectProblem[];
  readonly services: readonly StatusObject[];
  readonly reports: readonly StatusObject[];
  readonly announcements: readonly StatusObject[];
}
