import type { Definition, Domain } from "../../model/index.ts";
import { DomainReason, DomainState, Lifecycle } from "../../protocol/index.ts";
import type { Monitor } from "../../qmp/index.ts";
import { invalid } from "./errors.ts";
import { loadMemory } from "./memory-stream.ts";
import type { Run } from "./run.ts";
import type { RunState } from "./run-state.ts";
import type { BootManner, RunSurroundings } from "./run-surroundings.ts";

/** Whose machine it is. */
export interface PoweredRun {
  readonly run: Run;
  readonly domain: Domain;
  readonly state: RunState;
  readonly around: RunSurroundings;
  readonly definition: () => Definition;
  /** Throws MonitorClosedError when the run is over. */
  readonly monitor: () => Monitor;
  /** Writes the record of the run. */
  readonly save: () => void;
}

/** For what QEMU is asked to do because of what happened in the guest. */
const reactionMs = 30_000;

/**
 * Whether the machine of a run goes or stands still, and what its buttons do. All under the domain's job. The state
 * changes by the event that QEMU sends before its reply, so that there is one order of things (RunState).
 */
export class Power {
  readonly #of: PoweredRun;

  constructor(of: PoweredRun) {
    this.#of = of;
  }

  /** The guest of a new run begins, or goes on with its memory, unless it is to stay paused. */
  async begin({ paused, from }: BootManner): Promise<void> {
    const { state, monitor, around, run } = this.#of;
    const { started, suspended } = Lifecycle;
    const { paused: reasons, running } = DomainReason;
    if (from !== undefined) {
      await loadMemory(monitor(), from, around.loop);
      state.start(reasons.migration, started.detail.restored);
      await from.onLoaded();
      if (!paused) return this.#letGo(running.restored);
      return state.tell(suspended.event, suspended.detail.restored);
    }
    if (!paused) {
      await this.#letGo(running.booted);
      return state.startRunning();
    }
    if (run.hasEnded) return;
    state.start(reasons.user, started.detail.booted);
    state.tell(suspended.event, suspended.detail.paused);
  }

  async suspend(timeoutMs: number, reason: number = DomainReason.paused.user): Promise<void> {
    const { domain, state } = this.#of;
    if (domain.status.state !== DomainState.running) return;
    await state.because({ pause: reason }, () => this.#command("stop", timeoutMs));
  }

  /** `reason` is one of DomainReason.running. */
  async resume(timeoutMs: number, reason: number = DomainReason.running.unpaused): Promise<void> {
    const { state } = this.#of.domain.status;
    if (state === DomainState.running) throw invalid("domain is already running");
    if (state === DomainState.pmsuspended) throw invalid("domain is pmsuspended");
    await this.#letGo(reason, timeoutMs);
  }

  reset(timeoutMs: number): Promise<void> {
    return this.#command("system_reset", timeoutMs);
  }

  /** Presses the guest's power button. */
  async shutdown(timeoutMs: number): Promise<void> {
    this.#checkRunning();
    this.#expectReboot(false);
    await this.#command("system_powerdown", timeoutMs);
  }

  /**
   * Presses the guest's power button, and when it powers off starts it anew, as the same run. A guest that is to end when
   * it reboots ends.
   */
  async reboot(timeoutMs: number): Promise<void> {
    this.#checkRunning();
    this.#expectReboot(!["destroy", "preserve"].includes(this.#of.definition().textOf("on_reboot") ?? "restart"));
    await this.#command("system_powerdown", timeoutMs);
  }

  wakeUp(timeoutMs: number): Promise<void> {
    return this.#command("system_wakeup", timeoutMs);
  }

  /** The guest has powered off, and that was to be a reboot. */
  bootAgain(): void {
    const { state, around, run } = this.#of;
    state.beginReboot();
    around.react("reboot", async () => {
      if (!run.hasEnded) await this.#startAnew(DomainReason.running.booted);
    });
  }

  /** The guest has crashed and stands still: what its definition says. */
  async onPanic(): Promise<void> {
    const { around, run, domain } = this.#of;
    if (run.hasEnded || domain.status.state !== DomainState.crashed) return;
    const action = this.#of.definition().textOf("on_crash") ?? "destroy";
    if (action.startsWith("coredump-")) await around.keepCrash(run);
    if (action === "preserve" || run.hasEnded) return;
    if (action === "destroy" || action === "coredump-destroy") {
      return run.end({ reason: DomainReason.shutoff.crashed, detail: Lifecycle.stopped.detail.crashed });
    }
    await this.#startAnew(DomainReason.running.crashed);
  }

  async #startAnew(reason: number): Promise<void> {
    await this.#command("system_reset", reactionMs);
    await this.#letGo(reason);
  }

  async #letGo(reason: number, timeoutMs = reactionMs): Promise<void> {
    await this.#of.state.because({ run: reason }, () => this.#command("cont", timeoutMs));
  }

  async #command(command: string, timeoutMs: number): Promise<void> {
    await this.#of.monitor().execute(command, {}, { timeoutMs });
  }

  #checkRunning(): void {
    if (this.#of.domain.status.state !== DomainState.running) throw invalid("domain is not running");
  }

  /** What the guest's next powering off is taken for: known before it is asked to. */
  #expectReboot(value: boolean): void {
    const { state, save } = this.#of;
    if (state.rebootsOnPowerOff === value) return;
    state.rebootsOnPowerOff = value;
    save();
  }
}
