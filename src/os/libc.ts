import { constants } from "node:os";
import koffi from "koffi";
import { SystemError } from "./system-error.ts";

/**
 * The C library's calls that Node does not offer. All follow its convention: a negative result means failure, and
 * `errno()`, asked before any other call, says which.
 *
 * Each thread loads its own bindings. Unless a line says otherwise, these hold for every function here: it is called
 * synchronously on the caller's thread, it does not block, nothing calls back into JavaScript, and the memory passed is
 * the caller's and used until the return only.
 */
const libc = koffi.load(null);

type Bytes = Uint8Array | Uint32Array | Int32Array;

// SAFETY: only numbers go in. A descriptor is closed by its owner, once: the number is anybody's from then on.
export const close: (fd: number) => number = libc.func("int close(int fd)");

// SAFETY: only numbers go in; the third argument is an int for every command used here, and a long carries it.
const fcntl: (fd: number, command: number, argument: number) => number = libc.func(
  "int fcntl(int fd, int command, long argument)",
);

// SAFETY: `bytes` holds at least `length`; descriptors passed here are non-blocking.
export const read: (fd: number, bytes: Bytes, length: number) => number = libc.func(
  "long read(int fd, void *bytes, size_t length)",
);

// SAFETY: as read.
export const write: (fd: number, bytes: Bytes, length: number) => number = libc.func(
  "long write(int fd, const void *bytes, size_t length)",
);

// SAFETY: only numbers go in; the caller owns the new descriptor.
export const epollCreate: (flags: number) => number = libc.func("int epoll_create1(int flags)");

// SAFETY: the kernel copies `event`, one struct epoll_event.
export const epollCtl: (epoll: number, operation: number, fd: number, event: Bytes | null) => number = libc.func(
  "int epoll_ctl(int epoll, int operation, int fd, const void *event)",
);

// SAFETY: `events` has room for `limit` structs; with timeoutMs 0 it does not wait.
export const epollWait: (epoll: number, events: Bytes, limit: number, timeoutMs: number) => number = libc.func(
  "int epoll_wait(int epoll, void *events, int limit, int timeout)",
);

// SAFETY: only numbers go in; the caller owns the new descriptor.
export const timerfdCreate: (clock: number, flags: number) => number = libc.func(
  "int timerfd_create(int clock, int flags)",
);

// SAFETY: the kernel copies `value`, one struct itimerspec.
export const timerfdSettime: (fd: number, flags: number, value: Bytes, old: null) => number = libc.func(
  "int timerfd_settime(int fd, int flags, const void *value, void *old)",
);

// SAFETY: only numbers go in; the caller owns the new descriptor.
export const eventfd: (initial: number, flags: number) => number = libc.func("int eventfd(uint initial, int flags)");

// SAFETY: only numbers go in; without LOCK_NB it would block.
export const flock: (fd: number, operation: number) => number = libc.func("int flock(int fd, int operation)");

// SAFETY: the C function is variadic; on 64-bit Linux integers travel the same way as declared here. Used for calls that
// take integers and null pointers only.
export const syscall: (number: number, a: number, b: number, c: number, d: number) => number = libc.func(
  "long syscall(long number, long a, long b, long c, long d)",
);

// SAFETY: `group` is one struct group, `strings` the storage its pointers lead to, `found` one pointer; all are read
// before they can be collected, and only `gid` is read.
export const getgrnam: (name: string, group: Bytes, strings: Bytes, length: number, found: Bytes) => number = libc.func(
  "int getgrnam_r(const char *name, void *group, void *strings, size_t length, void *found)",
);

// SAFETY: as getgrnam, for one struct passwd, of which `uid` and `gid` are read.
export const getpwnam: (name: string, user: Bytes, strings: Bytes, length: number, found: Bytes) => number = libc.func(
  "int getpwnam_r(const char *name, void *user, void *strings, size_t length, void *found)",
);

// SAFETY: as getpwnam.
export const getpwuid: (uid: number, user: Bytes, strings: Bytes, length: number, found: Bytes) => number = libc.func(
  "int getpwuid_r(uint uid, void *user, void *strings, size_t length, void *found)",
);

// SAFETY: as getpwnam.
export const getgrgid: (gid: number, group: Bytes, strings: Bytes, length: number, found: Bytes) => number = libc.func(
  "int getgrgid_r(uint gid, void *group, void *strings, size_t length, void *found)",
);

/** The errno of the last call here on this thread. */
export function errno(): number {
  return koffi.errno();
}

/** `result`, unless it says failure: then a SystemError about `subject`. */
export function check(result: number, call: string, subject: string, fix?: string): number {
  if (result >= 0) return result;
  throw new SystemError(errno(), call, subject, fix);
}

/** Another descriptor for the same open file, close-on-exec and the caller's. */
export function duplicate(fd: number): number {
  const duplicateCloseOnExec = 1030;
  return check(fcntl(fd, duplicateCloseOnExec, 0), "fcntl", `fd ${fd}`);
}

/** Calls on this open file wait from here on, whoever has a descriptor for it. */
export function makeBlocking(fd: number): void {
  const [getFlags, setFlags, nonBlocking] = [3, 4, 0o4000];
  const flags = check(fcntl(fd, getFlags, 0), "fcntl", `fd ${fd}`);
  check(fcntl(fd, setFlags, flags & ~nonBlocking), "fcntl", `fd ${fd}`);
}

/** What another process has opened for us, as if we had: it never blocks, and our children do not get it. */
export function takeOver(fd: number): void {
  const [setDescriptorFlags, getFlags, setFlags, closeOnExec, nonBlocking] = [2, 3, 4, 1, 0o4000];
  check(fcntl(fd, setDescriptorFlags, closeOnExec), "fcntl", `fd ${fd}`);
  const flags = check(fcntl(fd, getFlags, 0), "fcntl", `fd ${fd}`);
  check(fcntl(fd, setFlags, flags | nonBlocking), "fcntl", `fd ${fd}`);
}

export const {
  EAGAIN,
  EBADF,
  ECONNABORTED,
  ECONNREFUSED,
  EEXIST,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOENT,
  ENOMEM,
  EPERM,
  ERANGE,
  ESRCH,
} = constants.errno;
