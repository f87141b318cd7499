import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BinaryFacts, readBinaryFacts } from "./binary-facts.ts";

/** What tells one file of a binary from another. */
interface Stamp {
  readonly path: string;
  readonly accelerator: string;
  readonly mtimeMs: number;
  readonly size: number;
  /** Of this file's format. */
  readonly format: number;
}

const format = 1;

/**
 * What binaries can do, asked once for each of their versions: callers at the same time share the answer, and it is kept in
 * a file for the next daemon. A cache that cannot be read or written is none, and no reason to fail.
 */
export class FactsCache {
  readonly #directory: string | undefined;
  readonly #read: (binary: string, accelerator: string) => Promise<BinaryFacts>;
  readonly #known = new Map<string, { readonly stamp: Stamp; readonly facts: Promise<BinaryFacts> }>();

  /** `directory`: undefined keeps nothing beyond this process. */
  constructor(directory: string | undefined, read = readBinaryFacts) {
    this.#directory = directory;
    this.#read = read;
  }

  /** Rejects with ProbeError, and with the system's error when there is no such file. */
  async of(path: string, accelerator = "tcg"): Promise<BinaryFacts> {
    const { mtimeMs, size } = await stat(path);
    const stamp = { path, accelerator, mtimeMs, size, format };
    const key = `${accelerator} ${path}`;
    const known = this.#known.get(key);
    if (known !== undefined && isSame(known.stamp, stamp)) return known.facts;
    const facts = this.#find(stamp);
    this.#known.set(key, { stamp, facts });
    // Who asks next asks again.
    facts.catch(() => {
      if (this.#known.get(key)?.facts === facts) this.#known.delete(key);
    });
    return facts;
  }

  async #find(stamp: Stamp): Promise<BinaryFacts> {
    const kept = await this.#load(stamp);
    if (kept !== undefined) return kept;
    const facts = await this.#read(stamp.path, stamp.accelerator);
    await this.#save(stamp, facts).catch(() => {});
    return facts;
  }

  async #load(stamp: Stamp): Promise<BinaryFacts | undefined> {
    const file = this.#fileOf(stamp);
    if (file === undefined) return undefined;
    try {
      const kept = JSON.parse(await readFile(file, "utf8")) as { readonly stamp: Stamp; readonly facts: BinaryFacts };
      return isSame(kept.stamp, stamp) ? kept.facts : undefined;
    } catch {
      return undefined;
    }
  }

  async #save(stamp: Stamp, facts: BinaryFacts): Promise<void> {
    const file = this.#fileOf(stamp);
    if (file === undefined || this.#directory === undefined) return;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.${process.pid}`, JSON.stringify({ stamp, facts }), { mode: 0o600 });
    await rename(`${file}.${process.pid}`, file);
  }

  #fileOf({ path, accelerator }: Stamp): string | undefined {
    if (this.#directory === undefined) return undefined;
    const name = createHash("sha256").update(`${accelerator} ${path}`).digest("hex").slice(0, 32);
    return join(this.#directory, `${name}.json`);
  }
}

function isSame(one: Stamp, other: Stamp): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
