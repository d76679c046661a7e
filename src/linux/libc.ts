// The C library's functions that Node has no word for, called by FFI; each failure is a SystemError.
import koffi, { type LibraryHandle } from 'koffi';
import { SystemError } from './errno.ts';

// Buffers are `void *`: koffi then passes the Uint8Array's own memory, in and out.
const declare = (libc: LibraryHandle) => ({
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
  getsockopt: libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
  send: libc.func('long send(int fd, const void *data, size_t length, int flags)'),
  recv: libc.func('long recv(int fd, void *data, size_t length, int flags)'),
  connect: libc.func('int connect(int fd, const void *address, uint32_t length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  accept4: libc.func('int accept4(int fd, void *address, void *length, int flags)'),
  sendto: libc.func(
    'long sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
  ),
  recvmsg: libc.func('long recvmsg(int fd, void *message, int flags)'),
  close: libc.func('int close(int fd)'),
  flock: libc.func('int flock(int fd, int operation)'),
  setns: libc.func('int setns(int fd, int type)'),
  mlock2: libc.func('int mlock2(uint64_t address, size_t length, unsigned int flags)'),
  clock_gettime: libc.func('int clock_gettime(int clock, void *time)'),
});

let declared: ReturnType<typeof declare> | undefined;

/** Loaded at the first call, so that importing a type or a constant costs nothing and asks for no glibc. */
function native(): ReturnType<typeof declare> {
  declared ??= declare(koffi.load('libc.so.6'));
  return declared;
}

export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;

const EAGAIN = 11;
const EINTR = 4;
const EINPROGRESS = 115;

function check(syscall: string, result: number): number {
  if (result < 0) throw new SystemError(syscall, koffi.errno());
  return result;
}

/** socket(2), always close-on-exec. Returns the descriptor. */
export const socket = (domain: number, type: number, protocol: number): number =>
  check('socket', native().socket(domain, type | SOCK_CLOEXEC, protocol));

/** bind(2); `address` is the sockaddr as bytes. */
export function bind(fd: number, address: Uint8Array): void {
  check('bind', native().bind(fd, address, address.length));
}

/** setsockopt(2) with a struct as bytes. */
export function setSocketOption(fd: number, level: number, name: number, value: Uint8Array): void {
  check('setsockopt', native().setsockopt(fd, level, name, value, value.length));
}

/** setsockopt(2) with an int. */
export function setSocketOptionInt(fd: number, level: number, name: number, value: number): void {
  setSocketOption(fd, level, name, new Uint8Array(Int32Array.of(value).buffer));
}

/** getsockopt(2) of an int. */
export function socketOptionInt(fd: number, level: number, name: number): number {
  const value = new Int32Array(1);
  check('getsockopt', native().getsockopt(fd, level, name, value, Uint32Array.of(4)));
  return value[0] ?? 0;
}

/** send(2) of a whole message. Throws SystemError, EAGAIN included. */
export function send(fd: number, data: Uint8Array): void {
  let sent: number;
  do sent = native().send(fd, data, data.length, 0);
  while (sent < 0 && koffi.errno() === EINTR);
  check('send', sent);
}

/** connect(2); `address` is the sockaddr as bytes. Throws SystemError, EINPROGRESS included. */
export function connect(fd: number, address: Uint8Array): void {
  check('connect', native().connect(fd, address, address.length));
}

/** connect(2) of a socket that does not wait: how it went is told by SO_ERROR once it is writable. Throws SystemError. */
export function startConnect(fd: number, address: Uint8Array): void {
  if (native().connect(fd, address, address.length) === 0) return;
  const errno = koffi.errno();
  if (errno !== EINPROGRESS) throw new SystemError('connect', errno);
}

/** listen(2). */
export function listen(fd: number, backlog: number): void {
  check('listen', native().listen(fd, backlog));
}

/**
 * accept4(2) without waiting; `address` is filled with the sockaddr. Returns a descriptor that does not wait either, or
 * undefined when there is none now, or it is gone already (accept(2), "Error handling").
 */
export function acceptConnection(fd: number, address: Uint8Array): number | undefined {
  const length = Uint32Array.of(address.length);
  const accepted: number = native().accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return accepted >= 0 ? accepted : undefined;
}

/** send(2) of a whole message without waiting, where a failure is nothing special. Returns the errno, 0 for none. */
export function trySend(fd: number, data: Uint8Array): number {
  if (native().send(fd, data, data.length, MSG_DONTWAIT) >= 0) return 0;
  return koffi.errno();
}

/** The same by sendto(2); `address` is the sockaddr as bytes. */
export function trySendTo(fd: number, data: Uint8Array, address: Uint8Array): number {
  const sent: number = native().sendto(fd, data, data.length, MSG_DONTWAIT, address, address.length);
  return sent >= 0 ? 0 : koffi.errno();
}

/**
 * recvmsg(2) without waiting; `message` is a struct msghdr. Returns the length, or undefined when there is none now; a
 * pending error of the socket is taken away and told as 0.
 */
export function receiveMessage(fd: number, message: Uint8Array): number | undefined {
  const length: number = native().recvmsg(fd, message, MSG_DONTWAIT_TRUNC);
  if (length >= 0) return length;
  return koffi.errno() === EAGAIN ? undefined : 0;
}

const MSG_DONTWAIT = 0x40;

/** Never waits; the returned length may exceed the buffer's for a message that was cut. */
const MSG_DONTWAIT_TRUNC = 0x40 | 0x20;

/** recv(2) without waiting. Returns the message's whole length, or undefined when there is none now. */
export function receive(fd: number, buffer: Uint8Array): number | undefined {
  for (;;) {
    const length: number = native().recv(fd, buffer, buffer.length, MSG_DONTWAIT_TRUNC);
    if (length >= 0) return length;
    const errno = koffi.errno();
    if (errno === EAGAIN) return undefined;
    if (errno !== EINTR) throw new SystemError('recv', errno);
  }
}

/** close(2). A descriptor is gone even when close reports an error, so errors are of no use here. */
export function close(fd: number): void {
  native().close(fd);
}

const LOCK_EX_NB = 2 | 4;

/** flock(2), exclusive, without waiting. False when another holds it. */
export function tryFlock(fd: number): boolean {
  if (native().flock(fd, LOCK_EX_NB) === 0) return true;
  const errno = koffi.errno();
  if (errno === EAGAIN) return false;
  throw new SystemError('flock', errno);
}

const CLONE_NEWNET = 0x40000000;

/** setns(2) of the calling thread into the network namespace that `fd` refers to. */
export function setNetworkNamespace(fd: number): void {
  check('setns', native().setns(fd, CLONE_NEWNET));
}

const MLOCK_ONFAULT = 1;

/** mlock2(2) of the pages from `address` on, each from when it is first used. Throws SystemError where it is not allowed. */
export function lockPages(address: bigint, length: number): void {
  check('mlock2', native().mlock2(address, length, MLOCK_ONFAULT));
}

const CLOCK_BOOTTIME = 7;
const timespec = new BigInt64Array(2);

/** clock_gettime(2) of CLOCK_BOOTTIME, in milliseconds. */
export function bootTimeMilliseconds(): number {
  check('clock_gettime', native().clock_gettime(CLOCK_BOOTTIME, timespec));
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}
