import type { ShutdownReason } from "../../libxl/index.ts";
import type { Definition, Domain } from "../../model/index.ts";
import { DomainReason, DomainState, Lifecycle } from "../../protocol/index.ts";
import type { Builder, Built } from "./builder.ts";
import type { GuestsOptions } from "./guests.ts";
import { endingFor, endings, type Run } from "./run.ts";
import type { RunEnding } from "./run-record.ts";

/** What is done to the driver's guests after one has ended by itself. */
export interface AftermathTarget {
  isClosed(): boolean;
  /** As a job of the domain, however long it has to wait. */
  exclusively(domain: Domain, body: () => Promise<void>): Promise<void>;
  end(run: Run, ending: RunEnding): Promise<void>;
  begin(domain: Domain, built: Built, since: number | undefined): Run;
  letGo(run: Run): Promise<void>;
  keepCrash(run: Run): Promise<void>;
}

/** What a definition asks for when its guest has ended by itself: its domain goes, stays, or another takes its place. */
export class Aftermath {
  readonly #options: GuestsOptions;
  readonly #builder: Builder;
  readonly #target: AftermathTarget;

  constructor(options: GuestsOptions, builder: Builder, target: AftermathTarget) {
    this.#options = options;
    this.#builder = builder;
    this.#target = target;
  }

  /** Its guest has powered off, rebooted or crashed. */
  begin(run: Run, reason: ShutdownReason): void {
    this.#target
      .exclusively(run.domain, async () => {
        if (!run.hasEnded) await this.#follow(run, reason);
      })
      .catch((error: unknown) => {
        if (!this.#target.isClosed()) this.#options.report(error);
      });
  }

  /** The guest has powered off, rebooted or crashed: what its definition asks for is done. Under the domain's job. */
  async #follow(run: Run, reason: ShutdownReason): Promise<void> {
    const { domain } = run;
    const { definition } = domain;
    const action = definition?.textOf(occasionOf(reason)) ?? "destroy";
    if (run.isUnwanted || definition === undefined) return this.#target.end(run, endings.destroyed);
    // Whoever has made it waits for this, too, and builds the next one; or leaves it as it is.
    if (run.isForeign && action.endsWith("restart")) {
      return run.move({ state: DomainState.shutdown, reason: DomainReason.shutdown.unknown });
    }
    if (action.startsWith("coredump")) await this.#target.keepCrash(run).catch(this.#options.report);
    // The next daemon finds it as it is.
    if (this.#target.isClosed()) return;
    if (action === "preserve") return preserve(run, reason);
    if (!action.endsWith("restart")) return this.#target.end(run, endingFor(reason));
    run.keepsPlace = true;
    await this.#builder.destroy(run.domid).catch((error: unknown) => {
      run.keepsPlace = false;
      throw error;
    });
    if (run.hasEnded) return;
    if (run.isUnwanted) return run.finish(endings.destroyed);
    // What has been defined meanwhile counts from now on.
    await this.#startAgain(run, reason, domain.persistent ?? definition);
  }

  /** The domain stays there, as the run that it was, until the next one can take its place: nobody misses it meanwhile. */
  async #startAgain(run: Run, reason: ShutdownReason, definition: Definition): Promise<void> {
    const { domain } = run;
    const manner = { paused: false, replaces: { run, ending: endingFor(reason) } };
    let isWanted = true;
    const next = await this.#builder
      .build(domain, definition, manner, (built) => {
        isWanted = !run.isUnwanted && !this.#target.isClosed();
        run.finish(run.isUnwanted ? endings.destroyed : endingFor(reason));
        // That end belongs to the run before.
        return this.#target.begin(domain, built, this.#options.position?.());
      })
      .catch((error: unknown) => {
        run.finish(endingFor(reason));
        throw error;
      });
    // The record of the one before goes with that: its end must not be told by it alone.
    await this.#options.told?.();
    if (isWanted) return this.#target.letGo(next);
    await this.#builder.discard(next.domid);
    next.finish(endings.destroyed);
  }
}

function occasionOf(reason: ShutdownReason): "on_poweroff" | "on_reboot" | "on_crash" {
  if (reason === "reboot" || reason === "soft_reset") return "on_reboot";
  return reason === "crash" || reason === "watchdog" ? "on_crash" : "on_poweroff";
}

/** The guest is dead and its domain is kept, for people to look at; that it is over is told when it goes. */
function preserve(run: Run, reason: ShutdownReason): void {
  const hasCrashed = occasionOf(reason) === "on_crash";
  if (hasCrashed) {
    run.move({ state: DomainState.crashed, reason: DomainReason.crashed.panicked });
    if (!run.isDownTold) run.tell(Lifecycle.crashed.event, Lifecycle.crashed.detail.panicked);
  } else {
    run.move({ state: DomainState.shutdown, reason: DomainReason.shutdown.unknown });
    if (!run.isDownTold) run.tell(Lifecycle.shutdown.event, Lifecycle.shutdown.detail.finished);
  }
}
