// Where a buffer lies in memory, for structs that point to another.
import koffi from 'koffi';

/** The address of the buffer's first byte. Valid while the buffer is referenced: array buffers do not move. */
export const addressOfBuffer = (bytes: Uint8Array): bigint => BigInt(koffi.address(bytes));
