// NodeReport (gantry.dev/v1alpha1): what one agent knows of its node, for `gantry status` and `gantry why`.
import * as z from 'zod/mini';
import type { StatusObject } from '../model/status.ts';
import { bgpReportSchema } from './bgp-report.ts';
import { described } from './published.ts';

/** Of long lists only so many entries are written; the count beside them is whole. */
export const reportedEntries = 100;

const text = (description: string) => described(z.string(), description);
const flag = (description: string) => described(z.boolean(), description);
const count = (description: string) => described(z.int(), description);

const explained = {
  kind: text('What it is, in one word for programs.'),
  message: text('What it is and what to do, for people.'),
};

const member = z.object({
  name: text('The name of the node.'),
  state: described(z.enum(['alive', 'silent', 'dead', 'unknown']), 'Whether the node is heard.'),
  lastHeardMilliseconds: described(z.optional(z.int()), 'How long ago the node was heard.'),
  interfaces: described(z.array(z.string()), 'The interfaces of the node that may announce.'),
});

export const nodeReportSchema = described(
  z.object({
    node: text('The name of the node.'),
    version: text('The version of the agent.'),
    /** RFC 3339. */
    updatedAt: text(
      'When this was written; an agent that lives writes at least every reportIntervalSeconds.',
    ),
    reportIntervalSeconds: count('The longest time between two reports.'),
    pulse: described(
      z.object({
        connected: flag('Whether the pulse of the node answers the agent.'),
        version: described(z.optional(z.string()), 'The version of the pulse.'),
        draining: described(
          z.optional(z.boolean()),
          'Whether it was told to hand everything over and to take nothing.',
        ),
        majority: described(
          z.optional(z.boolean()),
          'Whether it hears so many others that it may answer for addresses.',
        ),
        members: described(z.array(member), 'The members as this node sees them, itself included.'),
        announced: count('How many addresses were handed to the pulse.'),
        owned: count('How many of them it answers for, if only for shares of them.'),
        ownedShares: described(
          z.optional(z.int()),
          'How many shares it answers for, of addresses that are spread over nodes.',
        ),
      }),
      'The process of the node that answers for addresses.',
    ),
    dataPlane: described(
      z.object({
        mode: described(z.enum(['nftables', 'none']), 'Who forwards packets.'),
        healthy: flag('Whether the last attempt to bring the kernel up to date succeeded.'),
        lastSyncAt: described(z.optional(z.string()), 'When that was.'),
        lastError: described(z.optional(z.string()), 'Why it did not.'),
        frontends: count('How many addresses and ports the kernel forwards.'),
        failedCount: count('How many Services the kernel does not forward as planned.'),
        failed: described(
          z.array(z.object({ service: text('The namespace and name of the Service.'), ...explained })),
          'The first of them.',
        ),
      }),
      'What the kernel of the node forwards.',
    ),
    bgp: described(z.optional(bgpReportSchema), 'The BGP peers of the node; left out where it has none.'),
    host: described(
      z.array(
        z.object({ severity: described(z.enum(['error', 'warning']), 'How bad it is.'), ...explained }),
      ),
      'What in the node defeats forwarding or announcing.',
    ),
    unhealthyCount: count('How many endpoints fail a check of ours.'),
    unhealthyEndpoints: described(
      z.array(
        z.object({
          service: text('The namespace and name of the Service.'),
          address: text('The address of the endpoint.'),
          port: count('The port of the endpoint.'),
          ...explained,
        }),
      ),
      'The first of them.',
    ),
  }),
  'What the agent of one node knows of it.',
);

export type NodeReport = z.infer<typeof nodeReportSchema>;

export const nodeReportKind = 'NodeReport';

export const renderNodeReport = (report: NodeReport): StatusObject => ({
  apiVersion: 'gantry.dev/v1alpha1',
  kind: nodeReportKind,
  metadata: { name: report.node },
  status: report,
});

/** Undefined for what another version wrote in another shape. */
export function readNodeReport(object: StatusObject): NodeReport | undefined {
  const parsed = nodeReportSchema.safeParse(object['status']);
  return parsed.success ? parsed.data : undefined;
}
