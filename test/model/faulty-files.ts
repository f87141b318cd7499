import type { StoredFile, StoredFiles } from "../../src/model/index.ts";

type Change = { readonly position: number; readonly bytes: Buffer } | { readonly length: number };
type Naming = (names: Map<string, Inode>) => void;

export type Fault = "ENOSPC" | "EIO" | "short";

interface Inode {
  /** As a reader sees it. */
  live: Buffer;
  /** As it is after a crash at the least. */
  safe: Buffer;
  /** Since the last sync. */
  changes: Change[];
}

/**
 * A directory in memory that fails as a disk does. A crash keeps what was synced, of each file and of the names some
 * first part of what came after, and of the last write in that part some first bytes; a failed sync of a file drops what
 * it was to save, though reading still shows it.
 */
export class FaultyFiles implements StoredFiles {
  #live = new Map<string, Inode>();
  #safe = new Map<string, Inode>();
  #namings: Naming[] = [];
  /** Of all that was asked, counted from 0. */
  operations = 0;
  /** What goes wrong at that operation. */
  faultAt: (operation: number, name: string) => Fault | undefined = () => undefined;
  /** From that operation on nothing is answered any more. */
  crashAt = Infinity;

  readonly #name: string;
  /** All operations are counted there, and go wrong there. */
  readonly #machine: FaultyFiles;
  readonly #directories = new Map<string, FaultyFiles>();

  constructor(name = "", machine?: FaultyFiles) {
    this.#name = name;
    this.#machine = machine ?? this;
  }

  pathOf(name: string): string {
    return `${this.#name}/${name}`;
  }

  within(directory: string): FaultyFiles {
    const known = this.#directories.get(directory) ?? new FaultyFiles(this.pathOf(directory), this.#machine);
    this.#directories.set(directory, known);
    return known;
  }

  /** Up again: what there is now. */
  crash(choose: (bound: number) => number): void {
    for (const directory of this.#directories.values()) directory.crash(choose);
    const names = new Map(this.#safe);
    for (const naming of this.#namings.slice(0, choose(this.#namings.length + 1))) naming(names);
    for (const inode of new Set(names.values())) {
      const kept = inode.changes.slice(0, choose(inode.changes.length + 1));
      const last = kept.at(-1);
      if (last !== undefined && "bytes" in last)
        kept[kept.length - 1] = { ...last, bytes: last.bytes.subarray(0, choose(last.bytes.length + 1)) };
      inode.live = kept.reduce(changed, inode.safe);
      inode.safe = inode.live;
      inode.changes = [];
    }
    this.#live = names;
    this.#safe = new Map(names);
    this.#namings = [];
    this.#reset();
  }

  #reset(): void {
    this.operations = 0;
    this.crashAt = Infinity;
    this.faultAt = () => undefined;
  }

  get names(): string[] {
    return [...this.#live.keys()].sort();
  }

  text(name: string): string {
    return this.#inode(name).live.toString("latin1");
  }

  /** On the disk at once, as if by another program. */
  put(name: string, text: string): void {
    const bytes = Buffer.from(text, "latin1");
    const inode = { live: bytes, safe: bytes, changes: [] };
    this.#live.set(name, inode);
    this.#safe.set(name, inode);
  }

  async list(): Promise<string[]> {
    await this.#ask("list");
    return this.names;
  }

  async open(name: string): Promise<StoredFile> {
    await this.#ask("open");
    if (!this.#live.has(name)) {
      const made: Inode = { live: Buffer.alloc(0), safe: Buffer.alloc(0), changes: [] };
      this.#rename((names) => names.set(name, made));
    }
    return this.#file(this.#inode(name));
  }

  async copy(from: string, to: string): Promise<void> {
    await this.#ask("copy");
    if (this.#live.has(to)) throw failure("EEXIST");
    const bytes = this.#inode(from).live;
    const made: Inode = { live: bytes, safe: bytes, changes: [] };
    this.#rename((names) => names.set(to, made));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#ask("rename");
    const inode = this.#inode(from);
    this.#rename((names) => names.delete(from) && names.set(to, inode));
  }

  async remove(name: string): Promise<void> {
    await this.#ask("remove");
    this.#rename((names) => names.delete(name));
  }

  async sync(): Promise<void> {
    await this.#ask("sync names");
    this.#safe = new Map(this.#live);
    this.#namings = [];
  }

  #rename(naming: Naming): void {
    naming(this.#live);
    this.#namings.push(naming);
  }

  #inode(name: string): Inode {
    const inode = this.#live.get(name);
    if (inode === undefined) throw failure("ENOENT");
    return inode;
  }

  /** Throws what is to go wrong; "short" where only a write can do something with it. */
  async #ask(name: string): Promise<Fault | undefined> {
    await Promise.resolve();
    const machine = this.#machine;
    const operation = machine.operations++;
    if (operation >= machine.crashAt) return new Promise(() => {});
    const fault = machine.faultAt(operation, name);
    if (fault === undefined || fault === "short") return fault;
    throw failure(fault);
  }

  #file(inode: Inode): StoredFile {
    const change = (made: Change): void => {
      inode.live = changed(inode.live, made);
      inode.changes.push(made);
    };
    return {
      read: async (position, length) => {
        await this.#ask("read");
        return Buffer.from(inode.live.subarray(position, position + length));
      },
      write: async (bytes, position) => {
        const fault = await this.#ask("write");
        const count = fault === "short" ? Math.ceil(bytes.length / 2) : bytes.length;
        change({ position, bytes: Buffer.from(bytes.subarray(0, count)) });
        return count;
      },
      truncate: async (length) => {
        await this.#ask("truncate");
        change({ length });
      },
      sync: async () => {
        try {
          await this.#ask("sync");
        } catch (error) {
          inode.changes = [];
          throw error;
        }
        inode.safe = inode.live;
        inode.changes = [];
      },
      close: async () => {
        await this.#ask("close");
      },
    };
  }
}

function changed(contents: Buffer, change: Change): Buffer {
  if ("length" in change)
    return Buffer.concat([contents, Buffer.alloc(Math.max(0, change.length - contents.length))]).subarray(
      0,
      change.length,
    );
  const { position, bytes } = change;
  const result = Buffer.alloc(Math.max(contents.length, position + bytes.length));
  contents.copy(result);
  bytes.copy(result, position);
  return result;
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}, on purpose`), { code });
}
