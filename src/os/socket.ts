import koffi from "koffi";
import * as libc from "./libc.ts";
import { ENOENT } from "./libc.ts";
import { SystemError } from "./system-error.ts";

/** The socket calls of the C library; what libc.ts says at its top holds here too. */
const sockets = koffi.load(null);

// SAFETY: only numbers go in; the caller owns the new descriptor.
const socket: (domain: number, type: number, protocol: number) => number = sockets.func(
  "int socket(int domain, int type, int protocol)",
);

// SAFETY: `pair` has room for two ints; the caller owns both new descriptors.
const socketpair: (domain: number, type: number, protocol: number, pair: Int32Array) => number = sockets.func(
  "int socketpair(int domain, int type, int protocol, void *pair)",
);

// SAFETY: the kernel copies `address`, `length` bytes of it.
const bind: (fd: number, address: Uint8Array, length: number) => number = sockets.func(
  "int bind(int fd, const void *address, uint length)",
);

// SAFETY: as bind; a non-blocking Unix socket connects at once or not at all.
const connect: (fd: number, address: Uint8Array, length: number) => number = sockets.func(
  "int connect(int fd, const void *address, uint length)",
);

// SAFETY: only numbers go in.
const listen: (fd: number, backlog: number) => number = sockets.func("int listen(int fd, int backlog)");

// SAFETY: the peer's address is not asked for; the caller owns the new descriptor.
const accept4: (fd: number, address: null, length: null, flags: number) => number = sockets.func(
  "int accept4(int fd, void *address, void *length, int flags)",
);

// SAFETY: `value` has room for `length[0]` bytes.
const getsockopt: (fd: number, level: number, name: number, value: Uint32Array, length: Uint32Array) => number =
  sockets.func("int getsockopt(int fd, int level, int name, void *value, void *length)");

// SAFETY: `address` has room for `length[0]` bytes.
const getsockname: (fd: number, address: Uint8Array, length: Uint32Array) => number = sockets.func(
  "int getsockname(int fd, void *address, void *length)",
);

// SAFETY: the kernel copies `bytes` and `address` before the call returns; with MSG_DONTWAIT it does not block.
const sendto: (
  fd: number,
  bytes: Uint8Array,
  length: number,
  flags: number,
  address: Uint8Array,
  addressLength: number,
) => number = sockets.func(
  "long sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint addressLength)",
);

const unixDomain = 1;
const datagramCloseOnExec = 2 | 0o2000000;
const streamNonBlockingCloseOnExec = 1 | 0o2004000;
const nonBlockingCloseOnExec = 0o2004000;

/** Who is at the other end, as the kernel recorded it when the connection was made. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** A socket bound to `path` that does not listen yet: connecting is refused until `startListening`. */
export function bindSocket(path: string): number {
  return prepared(path, (fd, address) => libc.check(bind(fd, address, address.length), "bind", path));
}

export function startListening(fd: number, backlog: number, path: string): void {
  libc.check(listen(fd, backlog), "listen", path);
}

/** Connects without waiting. Throws SystemError: ENOENT, ECONNREFUSED (nobody listens), EAGAIN (the queue is full). */
export function connectSocket(path: string): number {
  return prepared(path, (fd, address) => {
    if (connect(fd, address, address.length) === 0) return;
    const errno = libc.errno();
    throw new SystemError(errno, "connect", path, connectAdvice.get(errno));
  });
}

/** The next waiting connection, undefined when there is none. Throws SystemError when it cannot be taken. */
export function acceptSocket(fd: number): number | undefined {
  const accepted = accept4(fd, null, null, nonBlockingCloseOnExec);
  if (accepted >= 0) return accepted;
  const errno = libc.errno();
  if (errno === libc.EAGAIN || errno === libc.ECONNABORTED) return undefined;
  throw new SystemError(errno, "accept4", `fd ${fd}`);
}

/** Two sockets connected with each other, both the caller's. */
export function pairSockets(): [number, number] {
  const pair = new Int32Array(2);
  libc.check(socketpair(unixDomain, streamNonBlockingCloseOnExec, 0, pair), "socketpair", "of Unix sockets");
  return [pair[0] as number, pair[1] as number];
}

export function credentialsOf(fd: number): Credentials {
  const socketLevel = 1;
  const peerCredentials = 17;
  const value = new Uint32Array(3);
  const length = new Uint32Array([value.byteLength]);
  libc.check(getsockopt(fd, socketLevel, peerCredentials, value, length), "getsockopt", `fd ${fd}`);
  return { pid: value[0] as number, uid: value[1] as number, gid: value[2] as number };
}

/** The path that a socket is bound to; undefined when it is no Unix socket, or none with a path. */
export function socketPath(fd: number): string | undefined {
  const address = Buffer.alloc(2 + 108);
  const length = new Uint32Array([address.length]);
  libc.check(getsockname(fd, address, length), "getsockname", `fd ${fd}`);
  const name = address.subarray(2, length[0]);
  if (address.readUInt16LE(0) !== unixDomain || name.length === 0 || name[0] === 0) return undefined;
  return name.toString().replace(/\0.*$/s, "");
}

/** One message to the socket at `path`, which stands in no directory when it begins with "@". */
export function sendDatagram(path: string, text: string): void {
  const fd = libc.check(socket(unixDomain, datagramCloseOnExec, 0), "socket", path);
  try {
    const address = addressOf(path.startsWith("@") ? path.slice(1) : path);
    const isAbstract = path.startsWith("@");
    // Without a directory: a zero before the name, and none behind it.
    if (isAbstract) address.copyWithin(3, 2).fill(0, 2, 3);
    const bytes = Buffer.from(text);
    const dontWaitNoSignal = 0x4040;
    libc.check(sendto(fd, bytes, bytes.length, dontWaitNoSignal, address, address.length), "sendto", path);
  } finally {
    libc.close(fd);
  }
}

/** The groups that the peer's process had beside its own when it connected. */
export function groupsOfPeer(fd: number): readonly number[] {
  const socketLevel = 1;
  const peerGroups = 59;
  const length = new Uint32Array([64 * Uint32Array.BYTES_PER_ELEMENT]);
  for (;;) {
    const value = new Uint32Array((length[0] as number) / Uint32Array.BYTES_PER_ELEMENT);
    const result = getsockopt(fd, socketLevel, peerGroups, value, length);
    // The length is that of all of them then; they stay the same from the connection on.
    if (result === -1 && libc.errno() === libc.ERANGE && (length[0] as number) > value.byteLength) continue;
    libc.check(result, "getsockopt", `fd ${fd}`);
    return [...value.subarray(0, (length[0] as number) / Uint32Array.BYTES_PER_ELEMENT)];
  }
}

function prepared(path: string, use: (fd: number, address: Uint8Array) => void): number {
  const address = addressOf(path);
  const fd = libc.check(socket(unixDomain, streamNonBlockingCloseOnExec, 0), "socket", path);
  try {
    use(fd, address);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** struct sockaddr_un: the family, then the path with a zero byte behind it. */
function addressOf(path: string): Uint8Array {
  const limit = 107;
  const bytes = Buffer.from(path);
  if (bytes.length === 0 || bytes.length > limit || bytes.includes(0)) {
    throw new RangeError(`a socket's path has 1 to ${limit} bytes and no zero among them: ${JSON.stringify(path)}`);
  }
  const address = new Uint8Array(2 + bytes.length + 1);
  address[0] = unixDomain;
  address.set(bytes, 2);
  return address;
}

const connectAdvice = new Map([
  [ENOENT, "nothing listens there; start the daemon, or check the path"],
  [libc.ECONNREFUSED, "nothing listens there any more; start the daemon"],
  [libc.EAGAIN, "the listener's queue is full; try again"],
]);
