import { constants } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { isAbsolute, join, normalize } from "node:path";
import { type ImageHeader, readHeader } from "./image-header.ts";

/** Who may use a file, and when it was used. */
export interface FileStatus {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In nanoseconds since 1970. */
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

/** A volume as it was found. */
export interface HostVolume {
  readonly name: string;
  /** Also its key. */
  readonly path: string;
  readonly type: "file" | "dir" | "block";
  readonly header: ImageHeader;
  /** Sizes are in bytes: what a guest sees, what it takes, and how long the file is. */
  readonly capacity: bigint;
  readonly allocation: bigint;
  /** Absent for a directory. */
  readonly physical?: bigint;
  readonly status: FileStatus;
  /** Absent when there is none. */
  readonly backing?: { readonly path: string; readonly format?: string; readonly status?: FileStatus };
}

/** Files that are looked at together. */
const together = 16;

/**
 * What is in a directory, by name. Sockets and pipes are no volumes, and what goes away meanwhile, or cannot be looked
 * at, is none. Rejects with Node's error when the directory cannot be read.
 */
export async function findVolumes(directory: string, check: () => void): Promise<HostVolume[]> {
  const names = (await readdir(directory)).sort();
  const volumes: HostVolume[] = [];
  for (let at = 0; at < names.length; at += together) {
    check();
    const found = await Promise.all(names.slice(at, at + together).map((name) => findVolume(directory, name)));
    volumes.push(...found.filter((volume) => volume !== undefined));
  }
  return volumes;
}

/** undefined when there is none of that name. */
export async function findVolume(directory: string, name: string): Promise<HostVolume | undefined> {
  const path = join(directory, name);
  try {
    return await look(directory, name, path);
  } catch (error) {
    if (error instanceof Error && "errno" in error) return undefined;
    throw error;
  }
}

async function look(directory: string, name: string, path: string): Promise<HostVolume | undefined> {
  const kind = await stat(path);
  if (kind.isDirectory()) {
    const status = statusOf(await stat(path, { bigint: true }));
    return { name, path, type: "dir", header: { format: "dir" }, capacity: 0n, allocation: 0n, status };
  }
  if (!kind.isFile() && !kind.isBlockDevice()) return undefined;
  // Without waiting: it may have become a pipe since.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat({ bigint: true });
  const header = await readHeader(file);
  const type = found.isBlockDevice() ? "block" : "file";
  const physical = type === "block" ? await lengthOf(file) : found.size;
  const backing = header.backing && (await backingOf(directory, header.backing));
  return {
    name,
    path,
    type,
    header,
    physical,
    capacity: header.capacity ?? physical,
    allocation: type === "block" ? physical : found.blocks * 512n,
    status: statusOf(found),
    ...(backing !== undefined && { backing }),
  };
}

/** A name without a directory counts from the image's own. */
async function backingOf(
  directory: string,
  { path, format }: NonNullable<ImageHeader["backing"]>,
): Promise<HostVolume["backing"]> {
  const isFile = isAbsolute(path) || !/^[^/]+:/.test(path);
  const full = isFile && !isAbsolute(path) ? normalize(join(directory, path)) : path;
  const found = isFile ? await stat(full, { bigint: true }).catch(() => undefined) : undefined;
  return {
    path: full,
    ...(format !== undefined && { format }),
    ...(found !== undefined && { status: statusOf(found) }),
  };
}

function statusOf(found: {
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}): FileStatus {
  return {
    mode: Number(found.mode) & 0o7777,
    uid: Number(found.uid),
    gid: Number(found.gid),
    atime: found.atimeNs,
    mtime: found.mtimeNs,
    ctime: found.ctimeNs,
  };
}

/** A block device has no length of its own in its status. */
async function lengthOf(file: FileHandle): Promise<bigint> {
  let [low, high] = [0, 2 ** 50];
  const byte = Buffer.alloc(1);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const isInside = await file.read(byte, 0, 1, middle).then(
      ({ bytesRead }) => bytesRead === 1,
      () => false,
    );
    if (isInside) low = middle + 1;
    else high = middle;
  }
  return BigInt(low);
}
