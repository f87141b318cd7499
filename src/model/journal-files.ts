import { constants, copyFile, type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** An open file. Everything rejects with Node's error. */
export interface JournalFile {
  /** At most `length` bytes; fewer only at the end. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** How many of the bytes it took: at least one, unless there are none. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Resolves when the contents are on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The files of one journal, by name, and nobody else's. */
export interface JournalFiles {
  list(): Promise<readonly string[]>;
  /** Makes it when there is none. */
  open(name: string): Promise<JournalFile>;
  /** Rejects when there is a `to`. The copy is on the disk then. */
  copy(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Resolves when the names are on the disk. */
  sync(): Promise<void>;
}

/** Those in one directory, made when it is missing. */
export class DirectoryFiles implements JournalFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async list(): Promise<readonly string[]> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    return readdir(this.directory);
  }

  async open(name: string): Promise<JournalFile> {
    return new OpenFile(await open(this.#path(name), constants.O_RDWR | constants.O_CREAT, 0o600));
  }

  async copy(from: string, to: string): Promise<void> {
    await copyFile(this.#path(from), this.#path(to), constants.COPYFILE_EXCL);
    await using copy = await open(this.#path(to), "r+");
    await copy.sync();
  }

  rename(from: string, to: string): Promise<void> {
    return rename(this.#path(from), this.#path(to));
  }

  remove(name: string): Promise<void> {
    return rm(this.#path(name), { force: true });
  }

  async sync(): Promise<void> {
    await using handle = await open(this.directory, "r");
    await handle.sync();
  }

  #path(name: string): string {
    return join(this.directory, name);
  }
}

class OpenFile implements JournalFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.write(bytes, 0, bytes.length, position)).bytesWritten;
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
