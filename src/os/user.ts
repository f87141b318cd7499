import * as libc from "./libc.ts";
import { SystemError } from "./system-error.ts";

/** As whom a program runs. */
export interface UserIdentity {
  readonly uid: number;
  readonly gid: number;
  /** The machine knows the user by a name: its other groups come along. */
  readonly hasAccount: boolean;
}

/** The user of that name or number, with its own group; undefined when the machine knows none. Throws SystemError. */
export function findUser(user: string | number): UserIdentity | undefined {
  const record = Buffer.alloc(48);
  const strings = Buffer.alloc(65_536);
  const found = Buffer.alloc(8);
  const find: (typeof libc)["getpwnam"] = (_name, ...rest) =>
    typeof user === "number" ? libc.getpwuid(user, ...rest) : libc.getpwnam(user, ...rest);
  const errno = find(String(user), record, strings, strings.length, found);
  // Some services say "none" by an error.
  if (errno !== 0 && errno !== libc.ENOENT && errno !== libc.ESRCH)
    throw new SystemError(errno, "getpwnam_r", String(user));
  if (found.readBigUInt64LE() === 0n) return undefined;
  // struct passwd: char *name, char *password, uid_t, gid_t.
  return { uid: record.readUInt32LE(16), gid: record.readUInt32LE(20), hasAccount: true };
}

/** Of util-linux, which every Linux has: it becomes the program, so that there is one process all the time. */
const changeUser = "/usr/bin/setpriv";

/**
 * What to start so that a program runs as `user`; as we do without one. Node's own `uid` and `gid` would leave out the groups
 * that the user is in beside its own; by one of these it may reach /dev/kvm.
 */
export function asUser(
  user: UserIdentity | undefined,
  program: string,
  args: readonly string[],
): readonly [program: string, args: readonly string[]] {
  if (user === undefined) return [program, args];
  const groups = user.hasAccount ? "--init-groups" : "--clear-groups";
  return [changeUser, [`--reuid=${user.uid}`, `--regid=${user.gid}`, groups, "--", program, ...args]];
}

/** As whom this process runs. */
export function ownIdentity(): UserIdentity {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, hasAccount: true };
}
