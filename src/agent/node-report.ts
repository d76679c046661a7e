// NodeReport (gantry.dev/v1alpha1): what one agent knows of its node, for `gantry status` and `gantry why`.
import * as z from 'zod/mini';
import type { StatusObject } from '../model/status.ts';

/** Of long lists only so many entries are written; the count beside them is whole. */
export const reportedEntries = 100;

const explained = { kind: z.string(), message: z.string() };

const member = z.object({
  name: z.string(),
  state: z.enum(['alive', 'silent', 'dead', 'unknown']),
  lastHeardMilliseconds: z.optional(z.number()),
  interfaces: z.array(z.string()),
});

const nodeReport = z.object({
  node: z.string(),
  version: z.string(),
  /** RFC 3339. An agent that lives writes at least every `reportIntervalSeconds`. */
  updatedAt: z.string(),
  reportIntervalSeconds: z.number(),
  pulse: z.object({
    connected: z.boolean(),
    version: z.optional(z.string()),
    /** Told to hand everything over and to take nothing. */
    draining: z.optional(z.boolean()),
    /** It hears so many others that it may answer for addresses. */
    majority: z.optional(z.boolean()),
    /** As this node sees them, itself included. */
    members: z.array(member),
    /** Addresses handed to pulse, and those of them that it answers for. */
    announced: z.number(),
    owned: z.number(),
  }),
  dataPlane: z.object({
    mode: z.enum(['nftables', 'none']),
    /** The last attempt to bring the kernel up to date succeeded. */
    healthy: z.boolean(),
    lastSyncAt: z.optional(z.string()),
    lastError: z.optional(z.string()),
    frontends: z.number(),
    failedCount: z.number(),
    /** Services that the kernel does not forward as planned. */
    failed: z.array(z.object({ service: z.string(), ...explained })),
  }),
  host: z.array(z.object({ severity: z.enum(['error', 'warning']), ...explained })),
  unhealthyCount: z.number(),
  /** Endpoints that fail a check of ours. */
  unhealthyEndpoints: z.array(
    z.object({ service: z.string(), address: z.string(), port: z.number(), ...explained }),
  ),
});

export type NodeReport = z.infer<typeof nodeReport>;

export const nodeReportKind = 'NodeReport';

export const renderNodeReport = (report: NodeReport): StatusObject => ({
  apiVersion: 'gantry.dev/v1alpha1',
  kind: nodeReportKind,
  metadata: { name: report.node },
  status: report,
});

/** Undefined for what another version wrote in another shape. */
export function readNodeReport(object: StatusObject): NodeReport | undefined {
  const parsed = nodeReport.safeParse(object['status']);
  return parsed.success ? parsed.data : undefined;
}
