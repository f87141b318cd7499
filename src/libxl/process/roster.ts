import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Loop } from "../../event/index.ts";
import { openProcess, type ProcessIdentity, watchProcess } from "../../os/index.ts";

/**
 * Which processes have a context of libxl, each a file in one directory. They outlive whoever has started them as long as
 * what they have begun takes: whoever comes next learns here when nothing of it is left. A process is entered before it
 * has been asked for anything.
 *
 *     open -> closed
 *
 * While it is open the directory is its own.
 * eldersEnded: resolves when all processes have ended that were there when it was made; not after close.
 * close:       any -> closed; idempotent. The files stay.
 */
export class ProcessRoster {
  readonly eldersEnded: Promise<void>;
  readonly #directory: string;
  readonly #watches = new Set<{ remove(): void }>();

  /** Makes the directory where it is missing. It lies where it goes with the boot, as the identities do. */
  constructor(loop: Loop, directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const elders = readdirSync(directory).map(parse);
    this.eldersEnded = Promise.all(elders.map((each) => this.#ended(loop, each))).then(() => {});
  }

  enter(identity: ProcessIdentity): void {
    writeFileSync(this.#path(identity), "", { mode: 0o600 });
  }

  leave(identity: ProcessIdentity): void {
    rmSync(this.#path(identity), { force: true });
  }

  close(): void {
    for (const watch of this.#watches) watch.remove();
    this.#watches.clear();
  }

  async #ended(loop: Loop, identity: ProcessIdentity): Promise<void> {
    const process = openProcess(identity);
    if (process !== undefined) {
      await new Promise<void>((resolve) => {
        const watch = watchProcess(loop, process, () => {
          this.#watches.delete(watch);
          resolve();
        });
        this.#watches.add(watch);
        process.close();
      });
    }
    this.leave(identity);
  }

  #path({ pid, startTime }: ProcessIdentity): string {
    return join(this.#directory, `${pid}-${startTime}`);
  }
}

function parse(name: string): ProcessIdentity {
  const [pid, startTime] = name.split("-").map(Number);
  return { pid: pid ?? 0, startTime: startTime ?? 0 };
}
