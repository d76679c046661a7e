// The controller of a folder of manifests: statuses and the lock lie in its `.status/`, events go to the log.
import type { ClassPolicy } from '../ipam/class-policy.ts';
import type { Log } from '../observe/log.ts';
import type { SourceMetrics } from '../observe/source-metrics.ts';
import { folderSource } from '../sources/folder.ts';
import { folderStatus } from '../sources/folder-status.ts';
import { systemClock } from './clock.ts';
import { folderControllerLock } from './lock.ts';
import { logEvents } from './log-events.ts';
import type { ControllerMetrics } from './metrics.ts';
import { type ControllerPhase, runController } from './run.ts';
import { folderWrittenStatuses } from './written-statuses.ts';

export interface FolderControllerOptions {
  /** Must exist. */
  readonly directory: string;
  readonly policy: ClassPolicy;
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  readonly sourceMetrics: SourceMetrics;
  readonly phase?: (phase: ControllerPhase) => void;
}

/** See `runController`. */
export function runFolderController(options: FolderControllerOptions, signal: AbortSignal): Promise<void> {
  const { directory, log } = options;
  return runController(
    {
      ...options,
      source: folderSource({ directory, keepLastGood: true }),
      lock: folderControllerLock(directory),
      status: folderStatus(directory),
      written: folderWrittenStatuses(directory),
      events: logEvents(log),
      clock: systemClock,
    },
    signal,
  );
}
