import { constants } from "node:fs";
import {
  access,
  chmod,
  chown,
  copyFile,
  type FileHandle,
  mkdir,
  open,
  rm,
  rmdir,
  truncate,
  unlink,
} from "node:fs/promises";
import type { Programs } from "../programs.ts";
import type { HostVolume } from "./host-volume.ts";
import { fileError, invalid } from "./storage-errors.ts";
import type { VolumeRequest } from "./volume-request.ts";

/** What takes as long as there is data: six hours, unless the caller gives up. */
const longMs = 6 * 3600 * 1000;
const chunkLength = 1_048_576;

export interface MakingOptions {
  /** qcow2 and its like get all their tables at once. */
  readonly preallocate: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Volumes as files. All reject with VirError or the signal's reason. */
export class VolumeFiles {
  readonly #programs: Programs;

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  /** An empty one, or nothing at all. */
  async make(request: VolumeRequest, options: MakingOptions): Promise<void> {
    if (request.format === "dir") return makeDirectory(request);
    await checkBacking(request);
    await this.#fill(request, () => this.#build(request, options));
  }

  /** With what is in another one; `reflink`: sharing its blocks, which has to be possible. */
  async clone(request: VolumeRequest, source: HostVolume, reflink: boolean, options: MakingOptions): Promise<void> {
    const from = source.header.format;
    if (source.type === "dir" || request.format === "dir") throw invalid("a directory cannot be cloned");
    await checkBacking(request);
    await this.#fill(request, async () => {
      if (reflink) return shareBlocks(source, request);
      const { options: own, backing, format, path } = request;
      const backed = backing === undefined ? [] : ["-B", backing.path, "-F", backing.format];
      const more = [...own, ...(options.preallocate ? ["preallocation=metadata"] : [])];
      const said = more.length === 0 ? [] : ["-o", more.join(",")];
      const args = ["convert", "-f", from, "-O", format, ...said, ...backed, source.path, path];
      await this.#programs.run("qemu-img", args, { timeoutMs: longMs, signal: options.signal });
      if (request.capacity > source.capacity) await this.#grow(request);
    });
  }

  /** `allocate`: all of it takes its room at once. */
  async resize(volume: HostVolume, capacity: bigint, allocate: boolean, signal?: AbortSignal): Promise<void> {
    const { path, header } = volume;
    const { format } = header;
    if (format === "raw" && !allocate) {
      await setLength(path, capacity).catch(rethrow(`Failed to truncate file '${path}'`));
      return;
    }
    const how = allocate ? ["--preallocation=falloc"] : [];
    const shrink = capacity < volume.capacity ? ["--shrink"] : [];
    const args = ["resize", "-f", format, ...how, ...shrink, path, String(capacity)];
    await this.#programs.run("qemu-img", args, { timeoutMs: longMs, signal });
  }

  /** Zeros, from the first byte to the last. One with holes becomes one hole. */
  async wipe({ path, allocation, physical = 0n, type }: HostVolume, signal?: AbortSignal): Promise<void> {
    const what = `Failed to open storage volume with path '${path}'`;
    await using file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(rethrow(what));
    if (type === "file" && allocation < physical) {
      await file.truncate(0);
      await file.truncate(Number(physical));
    } else await overwrite(file, physical, signal).catch(rethrow(`Failed to write to storage volume '${path}'`));
    await file.sync();
  }

  async remove({ path, type }: HostVolume): Promise<void> {
    if (type === "dir") await rmdir(path).catch(rethrow(`cannot remove directory '${path}'`));
    else await unlink(path).catch(rethrow(`cannot unlink file '${path}'`));
  }

  /** The file is ours alone before anything writes to it, and goes again when that fails. */
  async #fill({ path, mode, uid, gid }: VolumeRequest, build: () => Promise<void>): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(path, flags, 0o600).catch(onExisting(path));
    await file.close();
    try {
      await build();
      if (uid !== undefined || gid !== undefined) {
        await chown(path, uid ?? -1, gid ?? -1).catch(
          rethrow(`cannot chown '${path}' to (${uid ?? -1}, ${gid ?? -1})`),
        );
      }
      await chmod(path, mode).catch(rethrow(`cannot set mode of '${path}' to 0${mode.toString(8)}`));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  async #build(request: VolumeRequest, { preallocate, signal }: MakingOptions): Promise<void> {
    const { format, path, capacity, allocation, options, backing } = request;
    if (format === "raw") {
      const room = allocation < capacity ? allocation : capacity;
      // The length first: whether the file system can have such a file is told before any room is taken.
      await setLength(path, capacity).catch(rethrow(`cannot extend file '${path}'`));
      if (room > 0n) await this.#allocate(path, room, signal);
      await setLength(path, capacity).catch(rethrow(`cannot extend file '${path}'`));
      return;
    }
    const tables =
      preallocate && format === "qcow2" ? [`preallocation=${allocation < capacity ? "metadata" : "falloc"}`] : [];
    const said = [...options, ...tables];
    const args = ["create", "-q", "-f", format];
    if (said.length > 0) args.push("-o", said.join(","));
    if (backing !== undefined) args.push("-b", backing.path, "-F", backing.format);
    args.push(path);
    if (capacity > 0n || backing === undefined) args.push(String(capacity));
    await this.#programs.run("qemu-img", args, { timeoutMs: preallocate ? longMs : 120_000, signal });
  }

  async #allocate(path: string, bytes: bigint, signal: AbortSignal | undefined): Promise<void> {
    const args = ["create", "-q", "-f", "raw", "-o", "preallocation=falloc", path, String(bytes)];
    await this.#programs.run("qemu-img", args, { timeoutMs: longMs, signal });
  }

  async #grow({ path, format, capacity }: VolumeRequest): Promise<void> {
    await this.#programs.run("qemu-img", ["resize", "-f", format, path, String(capacity)], { timeoutMs: longMs });
  }
}

async function makeDirectory({ path, mode }: VolumeRequest): Promise<void> {
  await mkdir(path, { mode: mode | 0o100 }).catch(onExisting(path));
}

async function checkBacking({ backing }: VolumeRequest): Promise<void> {
  if (backing === undefined) return;
  await access(backing.path, constants.R_OK).catch(rethrow(`inaccessible backing store volume ${backing.path}`));
}

async function shareBlocks(source: HostVolume, { path, format }: VolumeRequest): Promise<void> {
  if (source.header.format !== format) throw invalid("only a volume of the same format can share blocks");
  const what = `failed to clone files from '${source.path}'`;
  await copyFile(source.path, path, constants.COPYFILE_FICLONE_FORCE).catch(rethrow(what));
}

async function overwrite(file: FileHandle, length: bigint, signal: AbortSignal | undefined): Promise<void> {
  const zeros = Buffer.alloc(chunkLength);
  for (let at = 0; at < Number(length); at += chunkLength) {
    signal?.throwIfAborted();
    await file.write(zeros, 0, Math.min(chunkLength, Number(length) - at), at);
  }
}

async function setLength(path: string, bytes: bigint): Promise<void> {
  const tooLarge = -27;
  if (bytes <= Number.MAX_SAFE_INTEGER) return truncate(path, Number(bytes));
  throw Object.assign(new Error("longer than any file"), { code: "EFBIG", errno: tooLarge });
}

function onExisting(path: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code === "EEXIST") throw invalid(`volume target path '${path}' already exists`);
    throw fileError(`cannot create path '${path}'`, error);
  };
}

function rethrow(what: string): (error: unknown) => never {
  return (error) => {
    throw fileError(what, error);
  };
}
