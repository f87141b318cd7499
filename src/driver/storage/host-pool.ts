import { chmod, chown, mkdir, readdir, rmdir, stat, statfs } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import type { Loop } from "../../event/index.ts";
import { JobQueue } from "../../model/index.ts";
import { HostObject } from "../objects/host-object.ts";
import { fillChild, removeChildren } from "../objects/object-xml.ts";
import { findVolumes, type HostVolume } from "./host-volume.ts";
import type { PoolDefinition, PoolSizes } from "./pool-definition.ts";
import { fileError, noVolume, unsupported } from "./storage-errors.ts";
import { idOf, modeOf } from "./volume-request.ts";
import { permissionsOf } from "./volume-text.ts";

const nothing: PoolSizes = { capacity: 0n, allocation: 0n, available: 0n };

/** A pool of this machine: a directory, and what was found in it. */
export class HostPool extends HostObject<PoolDefinition> {
  sizes = nothing;
  readonly loop: Loop;
  readonly #volumes = new Map<string, HostVolume>();
  readonly #queues = new Map<string, JobQueue>();
  /** Work on volumes: the pool does not stop beneath it. */
  readonly underWay = new Set<Promise<unknown>>();

  constructor(loop: Loop, definition: PoolDefinition) {
    super(loop, definition);
    this.loop = loop;
  }

  /** Where its volumes are. Throws VirError for a pool that is no directory. */
  get directory(): string {
    return directoryOf(this.definition);
  }

  get volumes(): readonly HostVolume[] {
    return [...this.#volumes.values()];
  }

  find(name: string): HostVolume | undefined {
    return this.#volumes.get(name);
  }

  /** Throws VirError. */
  volume(name: string): HostVolume {
    return this.#volumes.get(name) ?? raise(noVolume("name", name));
  }

  keep(volume: HostVolume): void {
    this.#volumes.set(volume.name, volume);
  }

  forget(name: string): void {
    this.#volumes.delete(name);
  }

  /** Of those who change one volume. */
  queueOf(name: string): JobQueue {
    const queue = this.#queues.get(name) ?? new JobQueue(this.loop);
    this.#queues.set(name, queue);
    return queue;
  }

  /** Queues are kept while somebody is in them. */
  releaseQueue(name: string): void {
    if (this.#queues.get(name)?.isIdle === true) this.#queues.delete(name);
  }

  /** Looks at all there is. `check` is asked in between, and may throw. Rejects with VirError. */
  async scan(definition: PoolDefinition, check: () => void): Promise<void> {
    const directory = directoryOf(definition);
    const volumes = await findVolumes(directory, check).catch((error: unknown) => {
      throw fileError(`cannot open directory '${directory}'`, error);
    });
    check();
    await this.measure(directory);
    this.#volumes.clear();
    for (const volume of volumes) this.keep(volume);
  }

  /** How much room there is. */
  async measure(directory = this.directory): Promise<void> {
    const { bsize, blocks, bfree } = await statfs(directory, { bigint: true }).catch((error: unknown) => {
      throw fileError(`cannot statvfs path '${directory}'`, error);
    });
    this.sizes = { capacity: bsize * blocks, available: bsize * bfree, allocation: bsize * (blocks - bfree) };
  }

  /** It is not looked at any more; how much room there was is still told. */
  clear(): void {
    this.#volumes.clear();
  }
}

/** Where the volumes of a pool are. Throws VirError for one that is no directory. */
export function directoryOf({ type, path, name }: PoolDefinition): string {
  if (type.name !== "dir" || path === undefined) {
    throw unsupported(`storage pools of type '${type.name}' cannot be used yet: 'dir' is the one that can`);
  }
  if (isAbsolute(path)) return path;
  throw unsupported(`the target path '${path}' of pool '${name}' is not absolute`);
}

/** The definition with the permissions that its directory really has. */
export async function withPermissions(definition: PoolDefinition): Promise<PoolDefinition> {
  const { mode, uid, gid } = await stat(directoryOf(definition));
  const root = definition.root.clone();
  const target = fillChild(root, "target");
  removeChildren(target, "permissions");
  target.children.push(permissionsOf({ mode: mode & 0o7777, uid, gid }));
  return { ...definition, root };
}

/** Makes the directory. Rejects with VirError. */
export async function buildDirectory(definition: PoolDefinition): Promise<void> {
  const directory = directoryOf(definition);
  const permissions = definition.root.find("target", "permissions");
  const [mode, uid, gid] = [modeOf(permissions), idOf(permissions, "owner"), idOf(permissions, "group")];
  const failed = (error: unknown): never => {
    throw fileError(`cannot create path '${directory}'`, error);
  };
  await mkdir(dirname(directory), { recursive: true }).catch(failed);
  const isMade = await mkdir(directory, { mode: 0o711 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === "EEXIST" ? false : failed(error)),
  );
  // Whatever the umask says; one that was there keeps what it has unless it is to have something else.
  if (isMade || mode !== undefined) await chmod(directory, mode ?? 0o711).catch(failed);
  if (uid !== undefined || gid !== undefined) await chown(directory, uid ?? -1, gid ?? -1).catch(failed);
  // What stands in the way under that name is no directory.
  await readdir(directory).catch(failed);
}

/** Removes the directory, which has to be empty. Rejects with VirError. */
export async function removeDirectory(definition: PoolDefinition): Promise<void> {
  const directory = directoryOf(definition);
  await rmdir(directory).catch((error: unknown) => {
    throw fileError(`failed to remove pool '${directory}'`, error);
  });
}

function raise(error: Error): never {
  throw error;
}
