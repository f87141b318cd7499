import type { Loop } from "../../event/index.ts";
import type { Run } from "./run.ts";
import type { DomainNews, Xen } from "./xen.ts";

export interface ForeignChangesOptions {
  readonly loop: Loop;
  readonly xen: Pick<Xen, "domains" | "nameOf">;
  readonly news?: DomainNews;
  readonly report: (error: unknown) => void;
}

/** Has the run's domain called so, unless it is by then. */
export type GiveName = (run: Run, name: string) => Promise<void>;

/** Nobody tells that a domain was paused: so often is looked. */
const lookEveryMs = 500;

/**
 * What others do to the domains that run: `xl pause`, `xl unpause`, `xl rename`.
 *
 *     open -> closed
 *
 * begin: open; the run is looked after.
 * end:   any; not any more. Idempotent.
 */
export class ForeignChanges {
  readonly #options: ForeignChangesOptions;
  readonly #giveName: GiveName;
  readonly #runs = new Map<Run, () => void>();
  #timer: { remove(): void } | undefined;
  #isClosed = false;

  constructor(options: ForeignChangesOptions, giveName: GiveName) {
    this.#options = options;
    this.#giveName = giveName;
  }

  begin(run: Run): void {
    const heed = (): void => void this.#heedName(run).catch(this.#options.report);
    this.#runs.set(run, this.#options.news?.followName(run.domid, heed) ?? (() => {}));
    this.#lookLater();
  }

  end(run: Run): void {
    this.#runs.get(run)?.();
    this.#runs.delete(run);
    if (this.#runs.size > 0) return;
    this.#timer?.remove();
    this.#timer = undefined;
  }

  close(): void {
    this.#isClosed = true;
    for (const run of Array.from(this.#runs.keys())) this.end(run);
  }

  #lookLater(): void {
    if (this.#timer !== undefined || this.#isClosed || this.#runs.size === 0) return;
    const { loop, report } = this.#options;
    const look = (): void => {
      this.#look()
        .catch(report)
        .finally(() => {
          this.#timer = undefined;
          this.#lookLater();
        });
    };
    this.#timer = loop.timeout(loop.now() + lookEveryMs, look, { name: "a look at who is paused" });
  }

  async #look(): Promise<void> {
    const quiet = Array.from(this.#runs.keys(), (run) => ({ run, moves: run.moves })).filter(({ run }) => isQuiet(run));
    const infos = quiet.length === 0 ? [] : await this.#options.xen.domains();
    for (const { run, moves } of quiet) {
      const info = infos.find(({ domid, uuid }) => domid === run.domid && uuid === run.domain.uuid);
      if (info === undefined || info.dying || this.#isClosed) continue;
      // What we have done ourselves meanwhile is newer than what was seen.
      if (!isQuiet(run) || run.moves !== moves) continue;
      if (info.shutdown) run.seeShutdown(info.shutdownReason);
      else run.see(info.paused);
    }
  }

  async #heedName(run: Run): Promise<void> {
    const name = await this.#options.xen.nameOf(run.domid);
    if (this.#isClosed || run.hasEnded || name === undefined || name === run.domain.name) return;
    await this.#giveName(run, name);
  }
}

function isQuiet({ domain }: Run): boolean {
  return domain.jobs.isIdle;
}
