// Keys of TCP MD5 signatures (RFC 2385), as the kernel takes them (linux/tcp.h).
import { type Address, familyBits } from '../model/address.ts';
import { setSocketOption } from './libc.ts';
import { socketAddress } from './socket-address.ts';

const IPPROTO_TCP = 6;
const TCP_MD5SIG_EXT = 32;
const TCP_MD5SIG_FLAG_PREFIX = 1;
/** TCP_MD5SIG_MAXKEYLEN. */
export const longestPassword = 80;

/**
 * What this socket and the peer send each other is signed; undefined: no more. On a listener it holds for what the peer
 * opens. With a prefix length it holds for the whole network; the longest one that has the peer counts. Throws SystemError: ENOPROTOOPT where the kernel has no CONFIG_TCP_MD5SIG, EINVAL for more than 80 bytes.
 */
export function setTcpPassword(
  fd: number,
  peer: Address,
  password: string | undefined,
  prefixLength: number = familyBits(peer.family),
): void {
  const key = Buffer.from(password ?? '', 'utf8');
  // struct tcp_md5sig: sockaddr_storage (128), flags and prefix length (u8), key length (u16), interface (i32), key.
  const request = new Uint8Array(128 + 8 + longestPassword);
  request.set(socketAddress(peer, 0));
  request.set([TCP_MD5SIG_FLAG_PREFIX, prefixLength], 128);
  new DataView(request.buffer).setUint16(130, key.length, true);
  request.set(key.subarray(0, longestPassword), 136);
  try {
    setSocketOption(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, request);
  } catch (error) {
    // There was none to be removed.
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (password !== undefined || !isGone) throw error;
  }
}
