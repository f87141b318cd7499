import koffi from "koffi";
import * as libc from "./libc.ts";

/** What the machine calls a user; undefined when it knows none of that number. */
export function userName(uid: number): string | undefined {
  return nameIn((record, strings, found) => libc.getpwuid(uid, record, strings, strings.length, found));
}

/** What the machine calls a group. */
export function groupName(gid: number): string | undefined {
  return nameIn((record, strings, found) => libc.getgrgid(gid, record, strings, strings.length, found));
}

/** struct passwd and struct group both begin with the name. */
function nameIn(find: (record: Buffer, strings: Buffer, found: Buffer) => number): string | undefined {
  const [record, strings, found] = [Buffer.alloc(48), Buffer.alloc(65_536), Buffer.alloc(8)];
  if (find(record, strings, found) !== 0 || found.readBigUInt64LE() === 0n) return undefined;
  // SAFETY: the pointer leads into `strings`, which is alive until we return; the string is copied.
  return koffi.decode(record, "char *") as string;
}
