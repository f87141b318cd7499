import * as fs from "node:fs";
import type { Owner } from "./guest-user.ts";

export interface FileStatus extends Owner {
  /** Which file it is, whatever it is called: the two together within one boot, the second alone beyond it. */
  readonly device: string;
  readonly inode: string;
  /** Permissions, as of `chmod`. */
  readonly mode: number;
}

/** A file that is held, so that it is the same one that is looked at and changed. */
export interface HeldFile {
  readonly status: FileStatus;
  /** Throws Node's error. */
  giveTo(owner: Owner): void;
}

/** The host's files, for those who change their owners. */
export interface FileHost {
  /** Undefined when there is none. Throws Node's error when that cannot be told. */
  withFile<T>(path: string, use: (file: HeldFile) => T): T | undefined;
  /** Makes an empty file for us alone; nothing when there is something. Throws Node's error. */
  make(path: string): void;
}

/** For `open`: holds a file without reading or writing it. Node does not offer it. */
const holdOnly = 0o10_000_000;

/** The files of this machine. */
export const localFiles: FileHost = {
  withFile(path, use) {
    let fd: number;
    try {
      fd = fs.openSync(path, holdOnly);
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw error;
    }
    try {
      const { dev, ino, uid, gid, mode } = fs.fstatSync(fd, { bigint: true });
      const status = {
        device: String(dev),
        inode: String(ino),
        uid: Number(uid),
        gid: Number(gid),
        mode: Number(mode) & 0o7777,
      };
      return use({ status, giveTo: (owner) => fs.chownSync(`/proc/self/fd/${fd}`, owner.uid, owner.gid) });
    } finally {
      fs.closeSync(fd);
    }
  },
  make(path) {
    try {
      fs.closeSync(fs.openSync(path, "wx", 0o600));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  },
};
