// The kernel's filters in front of the responder, so that only ARP and neighbour solicitations wake the process.
import { BPF_JEQ, BPF_LD_B, BPF_RET, type BpfInstruction } from '../linux/bpf-filter.ts';

const wholeFrame = 0xffff;

/** The socket receives ARP alone: every request and reply (a reply may betray a rival). */
export const arpFilter: readonly BpfInstruction[] = [[BPF_RET, 0, 0, wholeFrame]];

/** Of IPv6: next header ICMPv6 (58) at offset 20, type neighbour solicitation (135) at offset 54. */
export const solicitationFilter: readonly BpfInstruction[] = [
  [BPF_LD_B, 0, 0, 20],
  [BPF_JEQ, 0, 3, 58],
  [BPF_LD_B, 0, 0, 54],
  [BPF_JEQ, 0, 1, 135],
  [BPF_RET, 0, 0, wholeFrame],
  [BPF_RET, 0, 0, 0],
];
