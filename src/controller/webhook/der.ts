// The Distinguished Encoding Rules of ASN.1 (ITU-T X.690 §10), as much as a certificate needs, as bytes.
//
// The libraries for it weigh a quarter of our own bundle and 13 MB in memory: too much for two certificates a year.

/** One value: its tag, the length of its content, the content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(body.length), body]);
}

/** Short form below 128, else the number of bytes and the bytes (§8.1.3). */
function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export const sequence = (...content: readonly Uint8Array[]): Uint8Array => der(0x30, ...content);

export const setOf = (value: Uint8Array): Uint8Array => der(0x31, value);

/** A value under a context tag of its own, kept whole (EXPLICIT). */
export const explicit = (number: number, value: Uint8Array): Uint8Array => der(0xa0 | number, value);

/** Bytes whose own tag the context tag replaces (IMPLICIT, primitive). */
export const implicit = (number: number, content: Uint8Array): Uint8Array => der(0x80 | number, content);

/** A number that is not negative, big-endian; a zero byte keeps its sign. */
export function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return (shortest[0] ?? 0) < 0x80 ? der(0x02, shortest) : der(0x02, Uint8Array.of(0), shortest);
}

export const booleanTrue = der(0x01, Uint8Array.of(0xff));

export const octetString = (content: Uint8Array): Uint8Array => der(0x04, content);

/** `unused` is how many of the last byte's bits do not count. */
export const bitString = (content: Uint8Array, unused = 0): Uint8Array =>
  der(0x03, Uint8Array.of(unused), content);

export const utf8String = (text: string): Uint8Array => der(0x0c, Buffer.from(text, 'utf8'));

/** Such as `1.2.840`; each number after the first two in bytes of seven bits (§8.19). */
export function objectIdentifier(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((number) => {
    const parts = [number % 128];
    for (let high = Math.floor(number / 128); high > 0; high = Math.floor(high / 128))
      parts.unshift(0x80 | (high % 128));
    return parts;
  });
  return der(0x06, Uint8Array.from(bytes));
}

/** Whole seconds of UTC: UTCTime until 2049, GeneralizedTime after (RFC 5280 §4.1.2). */
export function time(milliseconds: number): Uint8Array {
  const text = `${new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+Z$/g, '')}Z`;
  const isShort = text < '2050';
  return der(isShort ? 0x17 : 0x18, Buffer.from(isShort ? text.slice(2) : text, 'ascii'));
}
