import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Domain } from "../../model/index.ts";

/**
 * Which domains start by themselves: for each a link to its definition, so that people see them. They start with the
 * first daemon after the machine has booted: who has ended one means it, whatever becomes of the daemon.
 */
export class Autostarts {
  readonly #directory: string;
  readonly #mark: string;
  readonly #uuids = new Set<string>();

  /** `runDir` vanishes with the next boot, or may. */
  constructor(directory: string, runDir: string) {
    this.#directory = directory;
    this.#mark = join(runDir, "autostarted");
  }

  async load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory))
      if (name.endsWith(suffix)) this.#uuids.add(name.slice(0, -suffix.length));
  }

  has({ uuid }: Domain): boolean {
    return this.#uuids.has(uuid);
  }

  /** Under the domain's job. Rejects with Node's error. */
  async set({ uuid }: Domain, value: boolean): Promise<void> {
    if (value === this.#uuids.has(uuid)) return;
    const path = join(this.#directory, `${uuid}${suffix}`);
    if (value) await symlink(join("..", `${uuid}${suffix}`), path);
    else await rm(path, { force: true });
    if (value) this.#uuids.add(uuid);
    else this.#uuids.delete(uuid);
  }

  /** True once for each boot of the machine: afterwards it is done, whatever comes of it. */
  async takeTurn(): Promise<boolean> {
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const before = await readFile(this.#mark, "utf8").catch(() => "");
    if (before === boot) return false;
    await writeFile(this.#mark, boot, { mode: 0o600 });
    return true;
  }
}

const suffix = ".xml";
