import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** What the kernel and udev say of the machine, in files. What is missing or cannot be read is not there: it may vanish any time. */
export class HostFiles {
  readonly #root: string;

  /** `root` is where the files below "/" are found. */
  constructor(root = "/") {
    this.#root = root;
  }

  /** Without the white space around it. */
  async text(path: string): Promise<string | undefined> {
    const text = await readFile(join(this.#root, path), "utf8").catch(() => undefined);
    return text?.trim();
  }

  /** At most `limit` bytes from its beginning. */
  async beginning(path: string, limit: number): Promise<Buffer | undefined> {
    try {
      await using file = await open(join(this.#root, path), "r");
      const { buffer, bytesRead } = await file.read(Buffer.alloc(limit), 0, limit, 0);
      return buffer.subarray(0, bytesRead);
    } catch {
      return undefined;
    }
  }

  async size(path: string): Promise<number | undefined> {
    return (await stat(join(this.#root, path)).catch(() => undefined))?.size;
  }

  async exists(path: string): Promise<boolean> {
    return (await this.size(path)) !== undefined;
  }

  /** Names in a directory, in their order. */
  async names(path: string): Promise<string[]> {
    const names: string[] = await readdir(join(this.#root, path)).catch(() => []);
    return names.sort();
  }

  /** Where a path leads in the end. */
  async target(path: string): Promise<string | undefined> {
    const target = await realpath(join(this.#root, path)).catch(() => undefined);
    if (target === undefined || this.#root === "/") return target;
    return target.slice((await realpath(this.#root)).length);
  }

  /** Lines "KEY=value". */
  async properties(path: string): Promise<ReadonlyMap<string, string>> {
    const lines = (await this.text(path))?.split("\n") ?? [];
    return new Map(lines.map((line) => [line.replace(/=.*/, ""), line.replace(/^[^=]*=/, "")]));
  }
}
