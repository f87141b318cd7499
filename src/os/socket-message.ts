import koffi from "koffi";
import * as libc from "./libc.ts";
import { SystemError } from "./system-error.ts";

const sockets = koffi.load(null);

// SAFETY: `message` is the arena's struct msghdr; its pointers lead into the arena, which lives as long as the thread
// and never moves. Synchronous, on the caller's thread, with MSG_DONTWAIT; nothing calls back.
const recvmsg: (fd: number, message: Buffer, flags: number) => number = sockets.func(
  "long recvmsg(int fd, void *message, int flags)",
);

// SAFETY: as recvmsg.
const sendmsg: (fd: number, message: Buffer, flags: number) => number = sockets.func(
  "long sendmsg(int fd, const void *message, int flags)",
);

// SAFETY: the kernel copies `bytes` before the call returns; with MSG_DONTWAIT it does not block.
const send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number = sockets.func(
  "long send(int fd, const void *bytes, size_t length, int flags)",
);

const dontWait = 0x40;
const noSignal = 0x4000;
const closeOnExec = 0x40000000;
const controlTruncated = 0x8;

/** What one sendmsg can pass: SCM_MAX_FD. */
export const maxFds = 253;
/** struct cmsghdr: size_t length, int level (SOL_SOCKET), int type (SCM_RIGHTS); then the descriptors. */
const control = { header: 16, level: 8, type: 12, socket: 1, rights: 1 } as const;
/** struct msghdr and, behind it, its one struct iovec; the 64-bit layout. */
const header = {
  iov: 16,
  iovCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  base: 56,
  length: 64,
  size: 72,
} as const;

/** The memory all messages of this thread pass through: one call at a time, and the bytes are copied out at once. */
const arena = {
  data: Buffer.alloc(65_536),
  control: Buffer.alloc(control.header + maxFds * 4 + 4),
  message: Buffer.alloc(header.size),
};
arena.message.writeBigUInt64LE(koffi.address(arena.message) + BigInt(header.base), header.iov);
arena.message.writeUInt32LE(1, header.iovCount);
arena.message.writeBigUInt64LE(koffi.address(arena.control), header.control);
arena.message.writeBigUInt64LE(koffi.address(arena.data), header.base);

export interface Received {
  /** Empty at the end of the stream. */
  readonly bytes: Uint8Array;
  /** Descriptors passed with them, close-on-exec and the receiver's. */
  readonly fds: readonly number[];
}

/** Takes up to 64 KiB; undefined when there is nothing yet. Throws SystemError. */
export function receiveMessage(fd: number): Received | undefined {
  prepare(arena.data.length, arena.control.length);
  const length = recvmsg(fd, arena.message, dontWait | closeOnExec);
  if (length < 0) {
    const errno = libc.errno();
    if (errno === libc.EAGAIN || errno === libc.EINTR) return undefined;
    throw new SystemError(errno, "recvmsg", `fd ${fd}`);
  }
  const fds = passedFds();
  if ((arena.message.readUInt32LE(header.flags) & controlTruncated) !== 0) {
    for (const passed of fds) libc.close(passed);
    throw new SystemError(libc.EMFILE, "recvmsg", `fd ${fd}`, "descriptors passed to us were lost; raise LimitNOFILE");
  }
  return { bytes: new Uint8Array(arena.data.subarray(0, length)), fds };
}

/** How many bytes the kernel took, 0 when it would have to wait. `fds`, at most 253, go with the first. Throws SystemError. */
export function transmitMessage(fd: number, bytes: Uint8Array, fds: readonly number[]): number {
  const length = fds.length === 0 ? send(fd, bytes, bytes.length, dontWait | noSignal) : sendWith(fd, bytes, fds);
  if (length >= 0) return length;
  const errno = libc.errno();
  if (errno === libc.EAGAIN || errno === libc.EINTR || errno === libc.ENOBUFS) return 0;
  throw new SystemError(errno, "sendmsg", `fd ${fd}`);
}

function sendWith(fd: number, bytes: Uint8Array, fds: readonly number[]): number {
  const length = Math.min(bytes.length, arena.data.length);
  const controlLength = control.header + fds.length * 4;
  arena.data.set(bytes.subarray(0, length));
  arena.control.fill(0, 0, control.header);
  arena.control.writeUInt32LE(controlLength, 0);
  arena.control.writeUInt32LE(control.socket, control.level);
  arena.control.writeUInt32LE(control.rights, control.type);
  for (const [index, passed] of fds.entries()) arena.control.writeInt32LE(passed, control.header + index * 4);
  prepare(length, controlLength);
  return sendmsg(fd, arena.message, dontWait | noSignal);
}

/** The kernel changes the lengths and the flags, so they are set anew for each call. */
function prepare(length: number, controlLength: number): void {
  arena.message.writeUInt32LE(controlLength, header.controlLength);
  arena.message.writeUInt32LE(0, header.flags);
  arena.message.writeUInt32LE(length, header.length);
}

function passedFds(): number[] {
  const fds: number[] = [];
  const end = arena.message.readUInt32LE(header.controlLength);
  // Each header starts at a multiple of 8.
  for (let at = 0; at + control.header <= end; at += (arena.control.readUInt32LE(at) + 7) & ~7) {
    const isRights =
      arena.control.readUInt32LE(at + control.level) === control.socket &&
      arena.control.readUInt32LE(at + control.type) === control.rights;
    const last = isRights ? at + arena.control.readUInt32LE(at) : 0;
    for (let fd = at + control.header; fd + 4 <= last; fd += 4) fds.push(arena.control.readInt32LE(fd));
  }
  return fds;
}
