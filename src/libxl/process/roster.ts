import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Deferred, type Loop } from "../../event/index.ts";
import { openProcess, type ProcessIdentity, watchProcess } from "../../os/index.ts";

/** Longer than anything that a process is asked for may take: whoever is still there is stuck. */
const stuckMs = 7_200_000;

/**
 * Which processes have a context of libxl, each a file in one directory. They outlive whoever has started them as long as
 * what they have begun takes: whoever comes next learns here when nothing of it is left. A process is entered before it
 * has been asked for anything.
 *
 *     open -> closed
 *
 * While it is open the directory is its own.
 * eldersEnded: resolves when all processes have ended that were there when it was made; not after close. One that is there
 *              after `longestMs`, two hours, is ended by force. Rejects with SystemError when one cannot be held (EMFILE).
 * close:       any -> closed; idempotent. The files stay.
 */
export class ProcessRoster {
  readonly eldersEnded: Promise<void>;
  readonly #directory: string;
  readonly #handles = new Set<{ remove(): void }>();

  /** Makes the directory where it is missing. It lies where it goes with the boot, as the identities do. */
  constructor(loop: Loop, directory: string, longestMs = stuckMs) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const elders = readdirSync(directory).flatMap(parse);
    this.eldersEnded = Promise.all(elders.map((each) => this.#ended(loop, each, longestMs))).then(() => {});
    // Told to whoever waits for it; mostly nobody does.
    this.eldersEnded.catch(() => {});
  }

  enter(identity: ProcessIdentity): void {
    writeFileSync(this.#path(identity), "", { mode: 0o600 });
  }

  leave(identity: ProcessIdentity): void {
    rmSync(this.#path(identity), { force: true });
  }

  close(): void {
    for (const handle of this.#handles) handle.remove();
    this.#handles.clear();
  }

  async #ended(loop: Loop, identity: ProcessIdentity, longestMs: number): Promise<void> {
    const process = openProcess(identity);
    if (process !== undefined) {
      const ended = new Deferred();
      const watch = watchProcess(loop, process, () => ended.resolve());
      const kill = (): void => void process.signal("SIGKILL");
      const limit = loop.timeout(loop.now() + longestMs, kill, { name: `process ${process.pid}, which is stuck` });
      const handle = {
        remove: (): void => {
          watch.remove();
          limit.remove();
          process.close();
        },
      };
      this.#handles.add(handle);
      await ended.promise;
      handle.remove();
      this.#handles.delete(handle);
    }
    this.leave(identity);
  }

  #path({ pid, startTime }: ProcessIdentity): string {
    return join(this.#directory, `${pid}-${startTime}`);
  }
}

function parse(name: string): ProcessIdentity[] {
  const [, pid, startTime] = /^([1-9]\d*)-(\d+)$/.exec(name) ?? [];
  return pid === undefined ? [] : [{ pid: Number(pid), startTime: Number(startTime) }];
}
