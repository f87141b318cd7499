import { constants, copyFile, type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** An open file. Everything rejects with Node's error. */
export interface StoredFile {
  /** At most `length` bytes; fewer only at the end. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** How many of the bytes it took: at least one, unless there are none. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Resolves when the contents are on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The files of one directory, by name, and nobody else's. */
export interface StoredFiles {
  /** For messages. */
  pathOf(name: string): string;
  /** Those of a directory in it. */
  within(directory: string): StoredFiles;
  list(): Promise<readonly string[]>;
  /** Makes it when there is none. */
  open(name: string): Promise<StoredFile>;
  /** Rejects when there is a `to`. The copy is on the disk then. */
  copy(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Resolves when the names are on the disk. */
  sync(): Promise<void>;
}

/** The whole of a text. Rejects as `open` and `read`. */
export async function readStored(files: StoredFiles, name: string): Promise<string> {
  const file = await files.open(name);
  try {
    const pieces: Uint8Array[] = [];
    for (let length = 0; ; ) {
      const piece = await file.read(length, 65_536);
      if (piece.length === 0) return Buffer.concat(pieces).toString("utf8");
      pieces.push(piece);
      length += piece.length;
    }
  } finally {
    await file.close();
  }
}

/** The old text or the new one, whatever happens when; the new one is on the disk then. */
export async function replaceStored(files: StoredFiles, name: string, text: string): Promise<void> {
  const unfinished = `${name}.new`;
  const file = await files.open(unfinished);
  try {
    await file.truncate(0);
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) written += await file.write(bytes.subarray(written), written);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(unfinished, name);
  await files.sync();
}

/** Those in one directory, made when it is missing. */
export class DirectoryFiles implements StoredFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  pathOf(name: string): string {
    return join(this.directory, name);
  }

  within(directory: string): StoredFiles {
    return new DirectoryFiles(join(this.directory, directory));
  }

  async list(): Promise<readonly string[]> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    return readdir(this.directory);
  }

  async open(name: string): Promise<StoredFile> {
    return new OpenFile(await open(this.pathOf(name), constants.O_RDWR | constants.O_CREAT, 0o600));
  }

  async copy(from: string, to: string): Promise<void> {
    await copyFile(this.pathOf(from), this.pathOf(to), constants.COPYFILE_EXCL);
    await using copy = await open(this.pathOf(to), "r+");
    await copy.sync();
  }

  rename(from: string, to: string): Promise<void> {
    return rename(this.pathOf(from), this.pathOf(to));
  }

  remove(name: string): Promise<void> {
    return rm(this.pathOf(name), { force: true });
  }

  async sync(): Promise<void> {
    await using handle = await open(this.directory, "r");
    await handle.sync();
  }
}

class OpenFile implements StoredFile {
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
