// The authentication section of a BFD control packet (RFC 5880 §4.2–4.4): read and written, so that a packet that has one
// is refused for what it is. No session of ours uses one.

export type AuthenticationSection =
  | {
      readonly type: 'simple-password';
      readonly keyId: number;
      /** 1–16 bytes. */
      readonly password: Uint8Array;
    }
  | {
      readonly type: DigestType;
      readonly keyId: number;
      readonly sequence: number;
      /** 16 bytes of MD5 or 20 of SHA1. */
      readonly digest: Uint8Array;
    };

type DigestType = 'keyed-md5' | 'meticulous-keyed-md5' | 'keyed-sha1' | 'meticulous-keyed-sha1';

const simplePassword = 1;
const digestCodes = {
  'keyed-md5': 2,
  'meticulous-keyed-md5': 3,
  'keyed-sha1': 4,
  'meticulous-keyed-sha1': 5,
} as const satisfies Record<DigestType, number>;
const digestTypes: ReadonlyMap<number, DigestType> = new Map([
  [2, 'keyed-md5'],
  [3, 'meticulous-keyed-md5'],
  [4, 'keyed-sha1'],
  [5, 'meticulous-keyed-sha1'],
]);

const passwordHeader = 3;
const digestHeader = 8;
const digestBytes = (type: DigestType): number => (type.endsWith('sha1') ? 20 : 16);

/** Undefined for a section of another type or of another length than its type has. */
export function readAuthentication(bytes: Uint8Array): AuthenticationSection | undefined {
  const [code = 0, length = 0, keyId = 0] = bytes;
  if (length > bytes.length) return undefined;
  if (code === simplePassword) {
    const password = Uint8Array.from(bytes.subarray(passwordHeader, length));
    const fits = password.length >= 1 && password.length <= 16;
    return fits ? { type: 'simple-password', keyId, password } : undefined;
  }
  const type = digestTypes.get(code);
  if (type === undefined || length !== digestHeader + digestBytes(type)) return undefined;
  const sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4);
  return { type, keyId, sequence, digest: Uint8Array.from(bytes.subarray(digestHeader, length)) };
}

export const authenticationLength = (section: AuthenticationSection): number =>
  section.type === 'simple-password'
    ? passwordHeader + section.password.length
    : digestHeader + section.digest.length;

/** `into` has `authenticationLength` bytes. */
export function writeAuthentication(section: AuthenticationSection, into: Uint8Array): void {
  into[1] = into.length;
  into[2] = section.keyId;
  if (section.type === 'simple-password') {
    into[0] = simplePassword;
    into.set(section.password, passwordHeader);
    return;
  }
  into[0] = digestCodes[section.type];
  into[3] = 0;
  new DataView(into.buffer, into.byteOffset).setUint32(4, section.sequence);
  into.set(section.digest, digestHeader);
}
