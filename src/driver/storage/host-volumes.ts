import { lstat } from "node:fs/promises";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Stream } from "../../rpc/index.ts";
import type { Patience } from "../objects/patience.ts";
import type { HostPool } from "./host-pool.ts";
import type { HostPools } from "./host-pools.ts";
import { findVolume, type HostVolume } from "./host-volume.ts";
import { Silence } from "./silence.ts";
import { invalid, invalidArgument, nameInUse, noVolume, volumeExists } from "./storage-errors.ts";
import type { VolumeFiles } from "./volume-files.ts";
import { readRequest, type VolumeRequest } from "./volume-request.ts";
import { download, openToRead, type StreamRange, upload } from "./volume-streams.ts";

/** How a new volume is to come about. */
export interface MakingFlags {
  readonly preallocate: boolean;
  readonly reflink: boolean;
}

/** How a volume's capacity is to change. */
export interface ResizeFlags {
  readonly allocate: boolean;
  readonly delta: boolean;
  readonly shrink: boolean;
}

/** A volume on its way: the one in the pool may be another by the time somebody asks. */
export interface PlacedVolume {
  readonly pool: HostPool;
  readonly volume: HostVolume;
}

/**
 * The volumes of the pools. What is done to one waits for what is done to it before; others go on beside it. All reject
 * with VirError, or with the reason for which the caller has given up.
 */
export class HostVolumes {
  readonly #pools: HostPools;
  readonly #files: VolumeFiles;

  constructor(pools: HostPools, files: VolumeFiles) {
    this.#pools = pools;
    this.#files = files;
  }

  /** As it is now on the disk, and not as it was found last. */
  async look({ pool, name }: { readonly pool: string; readonly name: string }): Promise<PlacedVolume> {
    const found = this.#pools.active(this.#pools.byName(pool));
    found.volume(name);
    const volume = await findVolume(found.directory, name);
    this.#pools.active(found);
    if (volume === undefined) throw noVolume("name", name);
    if (found.find(name) !== undefined) found.keep(volume);
    return { pool: found, volume };
  }

  /** Throws VirError. */
  search(what: "key" | "path", text: string): PlacedVolume {
    const path = text.replaceAll(/\/+/g, "/");
    for (const pool of this.#pools.all.filter(({ isActive }) => isActive)) {
      const volume = pool.volumes.find((each) => each.path === path);
      if (volume !== undefined) return { pool, volume };
    }
    throw noVolume(what, text);
  }

  async create(pool: HostPool, xml: string, flags: MakingFlags, patience: Patience): Promise<PlacedVolume> {
    const request = readRequest(
      xml,
      this.#pools.active(pool).definition,
      pool.directory,
      hasBacking(xml) ? 0n : undefined,
    );
    return this.#make(pool, request, patience, (signal) =>
      this.#files.make(request, { preallocate: flags.preallocate, signal }),
    );
  }

  /** `model`: whose contents it gets. */
  async clone(
    pool: HostPool,
    xml: string,
    model: { readonly pool: string; readonly name: string },
    flags: MakingFlags,
    patience: Patience,
  ): Promise<PlacedVolume> {
    const { volume: source, pool: from } = await this.look(model);
    const asked = readRequest(xml, this.#pools.active(pool).definition, pool.directory, source.capacity);
    // It never has less room than what is to go into it.
    const request = { ...asked, capacity: asked.capacity < source.capacity ? source.capacity : asked.capacity };
    if (pool.find(request.name) !== undefined) throw nameInUse(request.name);
    return this.#make(pool, request, patience, (signal) =>
      this.#onVolume(from, source.name, "clone", { ...patience, signal }, async (current) =>
        this.#files.clone(request, current, flags.reflink, { preallocate: flags.preallocate, signal }),
      ),
    );
  }

  async remove(pool: HostPool, name: string, patience: Patience): Promise<void> {
    await this.#change(pool, name, "delete", patience, async (volume) => {
      await this.#files.remove(volume);
      pool.forget(name);
    });
  }

  async resize(pool: HostPool, name: string, size: bigint, flags: ResizeFlags, patience: Patience): Promise<void> {
    await this.#change(pool, name, "resize", patience, async (volume, signal) => {
      const capacity = capacityAfter(volume, size, flags);
      if (flags.allocate && capacity > volume.capacity + pool.sizes.available) {
        throw VirError.of(ErrorCode.operationFailed, ErrorDomain.storage, "Not enough space left in storage pool");
      }
      if (flags.allocate && volume.header.format !== "raw") {
        const detail = "preallocate is only supported for raw type volume";
        throw VirError.of(ErrorCode.operationUnsupported, ErrorDomain.storage, detail);
      }
      await this.#files.resize(volume, capacity, flags.allocate, signal);
    });
  }

  async wipe(pool: HostPool, name: string, patience: Patience): Promise<void> {
    await this.#change(pool, name, "wipe", patience, (volume, signal) => this.#files.wipe(volume, signal));
  }

  async download({ pool, volume }: PlacedVolume, range: StreamRange, stream: Stream): Promise<void> {
    await using file = await this.#pools.beside(pool, "download", {}, () => openToRead(volume));
    await download(file, volume, range, stream);
  }

  /** Nobody changes the volume while data comes; a client that falls silent goes on beside others. */
  async upload({ pool, volume: { name } }: PlacedVolume, range: StreamRange, stream: Stream): Promise<void> {
    const silence = new Silence(pool.loop);
    const { work } = await this.#inTurn(pool, name, "upload", {}, async () => {
      const work = upload(await this.#current(pool, name), range, stream, silence, () => this.#noteUpload(pool, name));
      await Promise.race([work, silence.lasted]);
      return { work };
    });
    await work;
  }

  /** Both may have gone meanwhile. */
  async #noteUpload(pool: HostPool, name: string): Promise<void> {
    const volume = await findVolume(pool.directory, name).catch(() => undefined);
    await pool.measure().catch(() => undefined);
    if (!pool.isActive) return;
    if (volume !== undefined && pool.find(name) !== undefined) pool.keep(volume);
    this.#pools.tellRefreshed(pool);
  }

  /** The name is the volume's from here on: nobody else gets it, and nobody sees it before it is whole. */
  async #make(
    pool: HostPool,
    request: VolumeRequest,
    patience: Patience,
    build: (signal: AbortSignal) => Promise<void>,
  ): Promise<PlacedVolume> {
    const { name, path } = request;
    return this.#inTurn(pool, name, "create", patience, async (signal) => {
      if (pool.find(name) !== undefined) throw volumeExists(name);
      if (await isTaken(path)) throw invalid(`volume target path '${path}' already exists`);
      await build(signal);
      return { pool, volume: await this.#lookAgain(pool, name) };
    });
  }

  async #change(
    pool: HostPool,
    name: string,
    operation: string,
    patience: Patience,
    act: (volume: HostVolume, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    await this.#inTurn(pool, name, operation, patience, async (signal) => {
      await act(await this.#current(pool, name), signal);
      if (pool.find(name) !== undefined) await this.#lookAgain(pool, name);
      else await pool.measure();
    });
  }

  /** As `#change`, for one that stays as it is. */
  async #onVolume(
    pool: HostPool,
    name: string,
    operation: string,
    { deadline, signal }: Patience,
    act: (volume: HostVolume) => Promise<void>,
  ): Promise<void> {
    const queue = pool.queueOf(name);
    try {
      await queue.run({ operation, deadline, signal }, async () => act(await this.#current(pool, name)));
    } finally {
      pool.releaseQueue(name);
    }
  }

  async #inTurn<T>(
    pool: HostPool,
    name: string,
    operation: string,
    patience: Patience,
    body: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#pools.beside(pool, operation, patience, async (signal) => {
      const queue = pool.queueOf(name);
      try {
        return await queue.run({ operation, deadline: patience.deadline, signal }, () => body(signal));
      } finally {
        pool.releaseQueue(name);
      }
    });
  }

  async #current(pool: HostPool, name: string): Promise<HostVolume> {
    pool.volume(name);
    const volume = await findVolume(pool.directory, name);
    if (volume === undefined) throw noVolume("name", name);
    return volume;
  }

  async #lookAgain(pool: HostPool, name: string): Promise<HostVolume> {
    await pool.measure();
    const volume = await findVolume(pool.directory, name);
    if (volume === undefined) throw noVolume("name", name);
    pool.keep(volume);
    return volume;
  }
}

function capacityAfter(volume: HostVolume, size: bigint, { delta, shrink }: ResizeFlags): bigint {
  const { capacity, allocation } = volume;
  if (delta && shrink) return size < capacity ? capacity - size : 0n;
  const wanted = delta ? capacity + size : size;
  if (shrink || wanted >= capacity) return wanted;
  if (wanted < allocation) throw invalidArgument("can't shrink capacity below existing allocation");
  throw invalidArgument("Can't shrink capacity below current capacity unless shrink flag explicitly specified");
}

/** Whether the capacity may be missing: that of what is behind it counts then. */
function hasBacking(xml: string): boolean {
  return xml.includes("<backingStore");
}

async function isTaken(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}
