import * as libc from "./libc.ts";
import { SystemError } from "./system-error.ts";

/** The number of a group. Throws RangeError when there is no such group. */
export function groupId(group: string | number): number {
  if (typeof group === "number") return group;
  const record = Buffer.alloc(32);
  const strings = Buffer.alloc(65_536);
  const found = Buffer.alloc(8);
  const errno = libc.getgrnam(group, record, strings, strings.length, found);
  if (errno !== 0) throw new SystemError(errno, "getgrnam_r", group);
  if (found.readBigUInt64LE() === 0n) throw new RangeError(`no group named ${group}: create it, or choose another`);
  // struct group: char *name, char *password, gid_t.
  return record.readUInt32LE(16);
}
