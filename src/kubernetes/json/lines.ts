// Cuts a stream of bytes at its line ends.

export interface LineScanner {
  /** Takes the next bytes and gives the lines that are whole now, without their ends; empty ones are left out. */
  push(piece: Uint8Array): Generator<string, undefined>;
}

export function createLineScanner(): LineScanner {
  let parts: Uint8Array[] = [];
  return {
    *push(piece) {
      let from = 0;
      for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
        const line = piece.subarray(from, end);
        const whole = parts.length === 0 ? line : Buffer.concat([...parts, line]);
        parts = [];
        from = end + 1;
        if (whole.length > 0)
          yield Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString('utf8');
      }
      if (from < piece.length) parts.push(piece.subarray(from));
      return undefined;
    },
  };
}
