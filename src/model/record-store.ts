import { access, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { StateError } from "../event/index.ts";

/** A file that holds nothing that can be understood. It stays where it is, and is never written over or removed. */
export interface Unreadable {
  readonly path: string;
  readonly error: Error;
}

/**
 * Texts by name, a file for each in one directory.
 *
 * A file is written under another name, brought to the disk, renamed, and the directory brought to the disk: whatever
 * happens when, there is the old text or the new one. The caller has one change at a time under way for a name.
 */
export class RecordStore {
  readonly directory: string;
  readonly #suffix: string;
  /** Of what could not be read: not ours to replace. */
  readonly #foreign = new Set<string>();
  /** The next bringing of the directory to the disk: it serves all who have renamed before it begins. */
  #nextSync: Promise<void> | undefined;
  #syncing: Promise<void> = Promise.resolve();

  /** `suffix` is that of the files: ".xml". */
  constructor(directory: string, suffix: string) {
    this.directory = directory;
    this.#suffix = suffix;
  }

  /**
   * Makes the directory where it is missing, and reads all there is, in the order of names; what `read` throws over is
   * unreadable. What a writing that came to no end has left is removed. Rejects with Node's error when the directory
   * cannot be read.
   */
  async load<T>(
    read: (text: string, name: string) => T | Promise<T>,
  ): Promise<{ records: T[]; unreadable: Unreadable[] }> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const records: T[] = [];
    const unreadable: Unreadable[] = [];
    for (const file of (await readdir(this.directory)).sort()) {
      const path = join(this.directory, file);
      if (file.endsWith(temporary(this.#suffix))) await discard(path);
      if (!file.endsWith(this.#suffix)) continue;
      try {
        records.push(await read(await readFile(path, "utf8"), file.slice(0, -this.#suffix.length)));
      } catch (error) {
        unreadable.push({ path, error: error as Error });
        this.#foreign.add(path);
      }
    }
    return { records, unreadable };
  }

  /** Rejects with StateError over a file that could not be read, and with Node's error (ENOSPC) when writing fails. */
  async save(name: string, text: string): Promise<void> {
    const path = this.#pathOf(name);
    if (this.#foreign.has(path)) {
      if (await exists(path)) throw new StateError(`${path} could not be read: move it away, then try again`);
      this.#foreign.delete(path);
    }
    const unfinished = temporary(path);
    try {
      await write(unfinished, text);
      await rename(unfinished, path);
    } catch (error) {
      await discard(unfinished);
      throw error;
    }
    await this.#sync();
  }

  /** Nothing when there is none, or one that could not be read. Rejects with Node's error. */
  async remove(name: string): Promise<void> {
    if (this.#foreign.has(this.#pathOf(name))) return;
    await rm(this.#pathOf(name), { force: true });
    await this.#sync();
  }

  #pathOf(name: string): string {
    return join(this.directory, `${name}${this.#suffix}`);
  }

  #sync(): Promise<void> {
    this.#nextSync ??= this.#syncing.then(() => {
      this.#nextSync = undefined;
      const syncing = syncDirectory(this.directory);
      this.#syncing = syncing.catch(() => {});
      return syncing;
    });
    return this.#nextSync;
  }
}

function temporary(name: string): string {
  return `${name}.new`;
}

/** Nobody reads it: when it cannot be removed, the next loading will try again. */
async function discard(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}

async function write(path: string, text: string): Promise<void> {
  await using file = await open(path, "w", 0o600);
  await file.writeFile(text);
  await file.sync();
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, "r");
  await handle.sync();
}
