// Classic BPF programs as data (Documentation/networking/filter.rst), for packets that need not wake the process.
import { SO_ATTACH_FILTER, SOL_SOCKET, setSocketOption } from './libc.ts';
import { addressOfBuffer } from './memory.ts';

/** One instruction: opcode, jump offsets if true and if false, and the constant. */
export type BpfInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, constant: number];

/** Loads from the packet, at the constant's offset: a word (4 bytes), a half (2), a byte. */
export const BPF_LD_W = 0x20;
export const BPF_LD_H = 0x28;
export const BPF_LD_B = 0x30;
/** Jumps on the accumulator. */
export const BPF_JEQ = 0x15;
export const BPF_JGE = 0x35;
export const BPF_JSET = 0x45;
/** Returns how many bytes of the packet to keep; 0 drops it. */
export const BPF_RET = 0x06;

/** Attaches the program to a socket; it replaces the one before. Throws SystemError (EINVAL: the kernel refused it). */
export function attachFilter(fd: number, program: readonly BpfInstruction[]): void {
  const code = new Uint8Array(program.length * 8);
  const view = new DataView(code.buffer);
  for (const [index, [opcode, jumpTrue, jumpFalse, constant]] of program.entries()) {
    view.setUint16(index * 8, opcode, true);
    view.setUint8(index * 8 + 2, jumpTrue);
    view.setUint8(index * 8 + 3, jumpFalse);
    view.setUint32(index * 8 + 4, constant, true);
  }
  // struct sock_fprog: length (u16, padded to 8), pointer to the instructions.
  const descriptor = new Uint8Array(16);
  const fields = new DataView(descriptor.buffer);
  fields.setUint16(0, program.length, true);
  fields.setBigUint64(8, addressOfBuffer(code), true);
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, descriptor);
}
