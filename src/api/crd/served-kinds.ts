// The kinds that Gantry brings, as they are served: names, versions, schemas and the columns of `kubectl get`.
import type * as z from 'zod/mini';
import { bfdProfileSpec } from '../bfd-profile.ts';
import { bgpAdvertisementSpec } from '../bgp-advertisement.ts';
import { bgpPeerSpecV1beta1, bgpPeerSpecV1beta2 } from '../bgp-peer-schema.ts';
import { communitySpec } from '../community.ts';
import { ipAddressPoolSpec } from '../ip-address-pool.ts';
import { l2AdvertisementSpec } from '../l2-advertisement.ts';
import { nodeReportKind, nodeReportSchema } from '../node-report.ts';
import {
  configurationStateSchema,
  poolStatusSchema,
  serviceBgpStatusSchema,
  serviceL2StatusSchema,
} from './status-schemas.ts';

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  /** Above 0: in wide output only. */
  readonly priority?: number;
}

export interface ServedVersion {
  readonly name: 'v1beta1' | 'v1beta2' | 'v1alpha1';
  /** Undefined for a kind that only reports. */
  readonly spec: z.core.$ZodType | undefined;
  /** Whether an object without a spec is refused. */
  readonly needsSpec: boolean;
  readonly status: z.core.$ZodType | undefined;
  readonly columns: readonly PrinterColumn[];
  readonly deprecation?: string;
}

/** `gantry.dev` holds only what MetalLB lacks. */
export type ServedGroup = 'metallb.io' | 'gantry.dev';

export interface ServedKind {
  readonly group: ServedGroup;
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  /** The last one is the one that is stored. */
  readonly versions: readonly ServedVersion[];
}

const column = (
  name: string,
  jsonPath: string,
  type: PrinterColumn['type'] = 'string',
  priority?: number,
): PrinterColumn => ({ name, type, jsonPath, ...(priority === undefined ? {} : { priority }) });

const age = column('Age', '.metadata.creationTimestamp', 'date');

const advertisedColumns = [
  column('IPAddressPools', '.spec.ipAddressPools'),
  column('IPAddressPool Selectors', '.spec.ipAddressPoolSelectors'),
];

const peerColumns = [
  column('Address', '.spec.peerAddress'),
  column('ASN', '.spec.peerASN'),
  column('BFD Profile', '.spec.bfdProfile'),
  column('Multi Hops', '.spec.ebgpMultiHop'),
  column('Interface', '.spec.interface', 'string', 10),
  column('VRF', '.spec.vrf', 'string', 10),
];

const serviceColumns = [
  column('Service Name', '.status.serviceName'),
  column('Service Namespace', '.status.serviceNamespace'),
];

const v1beta1 = (
  version: Pick<ServedVersion, 'spec' | 'columns'> & Partial<ServedVersion>,
): readonly ServedVersion[] => [{ name: 'v1beta1', needsSpec: false, status: undefined, ...version }];

export const servedKinds: readonly ServedKind[] = [
  {
    group: 'metallb.io',
    kind: 'IPAddressPool',
    plural: 'ipaddresspools',
    shortName: 'lbpool',
    description: 'Addresses that Services of type LoadBalancer are given.',
    versions: v1beta1({
      spec: ipAddressPoolSpec,
      needsSpec: true,
      status: poolStatusSchema,
      columns: [
        column('Auto Assign', '.spec.autoAssign', 'boolean'),
        column('Avoid Buggy IPs', '.spec.avoidBuggyIPs', 'boolean'),
        column('Addresses', '.spec.addresses'),
        column('Assigned IPv4', '.status.assignedIPv4', 'integer', 10),
        column('Available IPv4', '.status.availableIPv4', 'integer', 10),
        column('Assigned IPv6', '.status.assignedIPv6', 'integer', 10),
        column('Available IPv6', '.status.availableIPv6', 'integer', 10),
      ],
    }),
  },
  {
    group: 'metallb.io',
    kind: 'L2Advertisement',
    plural: 'l2advertisements',
    shortName: 'l2adv',
    description: 'Has addresses of pools answered for on the local network, with ARP and NDP.',
    versions: v1beta1({
      spec: l2AdvertisementSpec,
      columns: [
        ...advertisedColumns,
        column('Interfaces', '.spec.interfaces'),
        column('Node Selectors', '.spec.nodeSelectors', 'string', 10),
      ],
    }),
  },
  {
    group: 'metallb.io',
    kind: 'BGPAdvertisement',
    plural: 'bgpadvertisements',
    shortName: 'bgpadv',
    description: 'Has addresses of pools advertised to routers, with BGP.',
    versions: v1beta1({
      spec: bgpAdvertisementSpec,
      columns: [
        ...advertisedColumns,
        column('Peers', '.spec.peers'),
        column('Node Selectors', '.spec.nodeSelectors', 'string', 10),
      ],
    }),
  },
  {
    group: 'metallb.io',
    kind: 'BGPPeer',
    plural: 'bgppeers',
    shortName: 'lbpeer',
    description: 'A router, or another neighbour, with which nodes exchange routes by BGP.',
    versions: [
      {
        name: 'v1beta1',
        spec: bgpPeerSpecV1beta1,
        needsSpec: true,
        status: undefined,
        columns: peerColumns,
        deprecation: 'metallb.io/v1beta1 BGPPeer is deprecated: write metallb.io/v1beta2.',
      },
      {
        name: 'v1beta2',
        spec: bgpPeerSpecV1beta2,
        needsSpec: true,
        status: undefined,
        columns: peerColumns,
      },
    ],
  },
  {
    group: 'metallb.io',
    kind: 'BFDProfile',
    plural: 'bfdprofiles',
    shortName: 'bfdp',
    description: 'Timers of the BFD sessions that watch BGP peers.',
    versions: v1beta1({
      spec: bfdProfileSpec,
      columns: [
        column('Passive Mode', '.spec.passiveMode', 'boolean'),
        column('Transmit Interval', '.spec.transmitInterval', 'integer'),
        column('Receive Interval', '.spec.receiveInterval', 'integer'),
        column('Multiplier', '.spec.detectMultiplier', 'integer'),
      ],
    }),
  },
  {
    group: 'metallb.io',
    kind: 'Community',
    plural: 'communities',
    shortName: 'bgpcomm',
    description: 'Names for BGP communities, to be used in BGPAdvertisements.',
    versions: v1beta1({ spec: communitySpec, columns: [] }),
  },
  {
    group: 'metallb.io',
    kind: 'ServiceL2Status',
    plural: 'servicel2statuses',
    shortName: 'l2status',
    description: 'Tells which node answers for the addresses of one Service on the local network.',
    versions: v1beta1({
      spec: undefined,
      status: serviceL2StatusSchema,
      columns: [column('Allocated Node', '.status.node'), ...serviceColumns],
    }),
  },
  {
    group: 'metallb.io',
    kind: 'ServiceBGPStatus',
    plural: 'servicebgpstatuses',
    shortName: 'bgpstatus',
    description: 'Tells to which peers one node advertises the addresses of one Service.',
    versions: v1beta1({
      spec: undefined,
      status: serviceBgpStatusSchema,
      columns: [column('Node', '.status.node'), ...serviceColumns],
    }),
  },
  {
    group: 'metallb.io',
    kind: 'ConfigurationState',
    plural: 'configurationstates',
    shortName: 'confstate',
    description:
      'Tells whether one component, the controller or a node’s agent, has taken the whole configuration, and what it set aside.',
    versions: v1beta1({
      spec: undefined,
      status: configurationStateSchema,
      columns: [column('Result', '.status.result'), column('ErrorSummary', '.status.errorSummary'), age],
    }),
  },
  {
    group: 'gantry.dev',
    kind: nodeReportKind,
    plural: 'nodereports',
    shortName: 'lbnode',
    description:
      'Tells what the agent of one node knows of it: its members, its kernel, and what is in the way.',
    versions: [
      {
        name: 'v1alpha1',
        spec: undefined,
        needsSpec: false,
        status: nodeReportSchema,
        columns: [
          column('Pulse', '.status.pulse.connected', 'boolean'),
          column('Owned', '.status.pulse.owned', 'integer'),
          column('Draining', '.status.pulse.draining', 'boolean'),
          column('Forwards', '.status.dataPlane.healthy', 'boolean'),
          column('Version', '.status.version'),
          column('Updated', '.status.updatedAt', 'date'),
        ],
      },
    ],
  },
];

/** The newest version of a kind, as `apiVersion` has it. */
export const apiVersionOf = ({ group, versions }: ServedKind): string => `${group}/${versions.at(-1)?.name}`;
