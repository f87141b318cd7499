import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Where the C programs are built; removed at the end. */
export class NativeBuild {
  readonly #directory = mkdtempSync(join(tmpdir(), "virtwright-bench-"));

  /** Builds `NAME.c`, which stands beside this file, into a program. Undefined, and the reason printed, if that fails. */
  build(
    name: string,
    libraries: readonly string[],
    packages: string,
    places: readonly string[] = [],
  ): string | undefined {
    const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url));
    const path = join(this.#directory, name);
    const flags = libraries.map((library) => `-l${library}`);
    const { status } = spawnSync("gcc", ["-O2", ...places, "-o", path, source, ...flags], { stdio: "ignore" });
    if (status === 0) return path;
    console.log(`skipped: ${name}.c does not build here; the fix: apt-get install ${packages}`);
    return undefined;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}

/** A running program that answers each line with a line of numbers. */
export class LineProgram {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string, args: readonly (number | string)[]) {
    this.#child = spawn(path, args.map(String), { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#child.stdout === null) throw new Error("the program has no output");
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  async round(request = ""): Promise<number[]> {
    this.#child.stdin?.write(`${request}\n`);
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error("the program ended early: its message stands above");
    return value.split(" ").map(Number);
  }

  async close(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.stdin?.end();
    await ended;
  }
}
