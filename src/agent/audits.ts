// Which audit to make: a quick one each time, and a full one now and then where others have a hand in nf_tables.
import type { AuditResult, DataPlane } from '../dataplane/data-plane.ts';

/** How far apart full audits are: each reads all that is ours, seconds of work with many endpoints. */
const fullAuditMilliseconds = 600_000;

/** Each call makes the audits that are due, and tells how many frontends they set right. */
export function createAudits(dataPlane: Pick<DataPlane, 'audit'>, now: () => number): () => Promise<number> {
  /** Somebody else changed something in nf_tables since all of ours was read. */
  let wasTouched = false;
  let fullAt = now();
  const audit = async (depth: 'quick' | 'full'): Promise<AuditResult> => {
    const result = await dataPlane.audit(depth);
    // A quick one reads all as well before it repairs.
    const isAllRead = depth === 'full' || result.repaired > 0;
    // Only a stranger's transaction can take a single element away, and only reading all finds that.
    wasTouched = !isAllRead && (wasTouched || result.read);
    if (isAllRead) fullAt = now();
    return result;
  };
  return async () => {
    const { repaired } = await audit('quick');
    const isFullDue = repaired === 0 && wasTouched && now() - fullAt >= fullAuditMilliseconds;
    return isFullDue ? (await audit('full')).repaired : repaired;
  };
}
