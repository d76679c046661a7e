// The kernel's filters in front of packet sockets, so that only ARP and neighbour discovery for us wake the process.
import { BPF_JEQ, BPF_LD_B, BPF_RET, type BpfInstruction } from '../linux/bpf-filter.ts';

const wholeFrame = 0xffff;
const drop: BpfInstruction = [BPF_RET, 0, 0, 0];
const keep: BpfInstruction = [BPF_RET, 0, 0, wholeFrame];

/** The kernel's word on the frame: SKF_AD_OFF + SKF_AD_PKTTYPE (linux/filter.h). */
const packetType = 0xffff_f004;
/** To another machine's MAC, or of a VLAN that this host has no interface for; its tag is cut off already. */
const PACKET_OTHERHOST = 3;

/** Of ARP: every request and reply (a reply may betray a rival). */
export const arpFilter: readonly BpfInstruction[] = [
  [BPF_LD_B, 0, 0, packetType],
  [BPF_JEQ, 0, 1, PACKET_OTHERHOST],
  drop,
  keep,
];

/** Of IPv6: next header ICMPv6 (58) at offset 20, this type at offset 54. */
const icmpFilter = (type: number): readonly BpfInstruction[] => [
  [BPF_LD_B, 0, 0, packetType],
  [BPF_JEQ, 4, 0, PACKET_OTHERHOST],
  [BPF_LD_B, 0, 0, 20],
  [BPF_JEQ, 0, 2, 58],
  [BPF_LD_B, 0, 0, 54],
  [BPF_JEQ, 1, 0, type],
  drop,
  keep,
];

export const solicitationFilter = icmpFilter(135);
export const advertisementFilter = icmpFilter(136);
export const routerAdvertisementFilter = icmpFilter(134);
