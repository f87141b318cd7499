import { ProcessEndedError } from "../../libxl/index.ts";
import { DomainReason, DomainState, Lifecycle } from "../../protocol/index.ts";
import type { Builder } from "./builder.ts";
import { invalid, toVirError } from "./errors.ts";
import { endings, type Run } from "./run.ts";
import type { RunStart } from "./run-record.ts";
import type { Saves } from "./saves.ts";
import { withTerminal } from "./terminal.ts";
import type { Xen } from "./xen.ts";

const mostTries = 3;

/** The last step of a start: a domain is complete, and its guest begins, or goes on with its memory. */
export class LettingGo {
  readonly #xen: Pick<Xen, "consolePath" | "domain" | "unpause">;
  readonly #builder: Builder;
  /** Set before the first guest is let go. */
  saves: Pick<Saves, "removeManaged"> | undefined;

  constructor(xen: Pick<Xen, "consolePath" | "domain" | "unpause">, builder: Builder) {
    this.#xen = xen;
    this.#builder = builder;
  }

  /**
   * What fails leaves nothing behind. `isFound`: the driver before us had begun it, and how far it came nobody knows. Rejects
   * with VirError. Under the domain's job.
   */
  async letGo(run: Run, manner: RunStart, isFound = false): Promise<void> {
    const { domid, domain } = run;
    try {
      await run.watch();
      // From here on whoever finds it takes it up: its memory may be nowhere else.
      run.begin(manner);
      await this.#showTerminal(run);
      // Its disks change from here on, and no memory of before must ever meet them.
      await this.saves?.removeManaged(domain);
      if (!manner.paused) await this.unpause(domid, isFound);
      if (run.hasEnded) throw invalid("the domain was gone before it could run");
    } catch (error) {
      await this.#builder.discard(domid);
      run.finish(endings.failed);
      throw toVirError(error, `unpause domain '${domid}'`);
    }
    const { paused, isRestored } = manner;
    const reason = isRestored ? DomainReason.running.restored : DomainReason.running.booted;
    const { detail } = Lifecycle.started;
    run.start(
      paused ? { state: DomainState.paused, reason: DomainReason.paused.user } : { state: DomainState.running, reason },
      isRestored ? detail.restored : detail.booted,
    );
  }

  /** A guest without a console is shown without. */
  async #showTerminal(run: Run): Promise<void> {
    const path = await this.#xen.consolePath(run.domid).catch(() => undefined);
    const { definition } = run.domain;
    if (path !== undefined && definition !== undefined && !run.hasEnded) run.describe(withTerminal(definition, path));
  }

  /** A process that ended at it may have done it, and Xen refuses to do it twice; `mayRun`: so may others. */
  async unpause(domid: number, mayRun: boolean): Promise<void> {
    for (let tries = 1, isSure = !mayRun; ; tries++) {
      if (!isSure && (await this.#xen.domain(domid))?.paused === false) return;
      try {
        return await this.#xen.unpause(domid);
      } catch (error) {
        if (!(error instanceof ProcessEndedError) || tries === mostTries) throw error;
        isSure = false;
      }
    }
  }
}
