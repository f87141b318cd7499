import { DeadlineError, type Loop } from "../../event/index.ts";
import type { Definition, Domain, DomainStatus, Incarnation } from "../../model/index.ts";
import {
  type DomainEvent,
  DomainReason,
  DomainState,
  Lifecycle,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import { type ExecuteOptions, type JsonObject, MonitorClosedError, type MonitorEvent } from "../../qmp/index.ts";
import { findTerminals } from "./console.ts";
import { invalid, noAgent, QemuDiedError } from "./errors.ts";
import type { Connected, LaunchPlan, QemuHost } from "./host.ts";
import { QemuProcess, type QemuProcessListener } from "./qemu-process.ts";
import type { RunRecords } from "./run-record.ts";

/** What all runs of a driver have in common. */
export interface RunSurroundings {
  readonly loop: Loop;
  readonly host: QemuHost;
  readonly records: Pick<RunRecords, "write" | "remove">;
  /** From launch to the monitor's readiness. */
  readonly startTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number;
  publish(event: DomainEvent): void;
  /** The run is over, and the domain inactive; it may not exist any more. */
  onGone(): void;
  /** Hears of what went wrong where nobody is to be told. */
  readonly report: (error: unknown) => void;
}

/** How long after SIGKILL a process may take to be gone. */
const dyingMs = 15_000;

/**
 * One run of a domain, from the decision to start until its process is gone: the only place where what QEMU says
 * becomes the domain's state.
 *
 *     starting -> started -> ended
 *     starting -> ended                (nobody hears of a start that failed)
 *     starting, started -> released    (the guest runs on without us)
 *
 * boot, adopt:      starting; once; under the domain's job.
 * suspend, resume, reset, shutdown: started; under the domain's job. The state changes by the event that QEMU sends before its
 *                   reply, so that there is one order of things.
 * destroy:          any; it needs no job, because what holds the job may be waiting for this very QEMU.
 *
 * Whatever ends a run, and in whatever order its signs arrive, `#finish` runs once: it makes the domain inactive and
 * tells the one reason.
 */
export class Run implements QemuProcessListener {
  readonly incarnation: Incarnation;
  readonly #domain: Domain;
  readonly #around: RunSurroundings;
  #definition: Definition;
  #phase: "starting" | "started" | "ended" | "released" = "starting";
  #process: QemuProcess | undefined;
  /** Of paused: why QEMU is about to stop, as far as that was our doing. */
  #pauseReason: number = DomainReason.paused.unknown;
  #isShutDown = false;
  /** Whether somebody has asked for its end. */
  #destroyed: "no" | "gracefully" | "surely" = "no";
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
  readonly #mourners = new Set<() => void>();
  /** How often QEMU has said that its state changes. */
  #changes = 0;

  constructor(around: RunSurroundings, domain: Domain, incarnation: Incarnation, definition: Definition) {
    this.#around = around;
    this.#domain = domain;
    this.incarnation = incarnation;
    this.#definition = definition;
    domain.begin(incarnation, definition);
  }

  get pid(): number | undefined {
    return this.#process?.identity.pid;
  }

  get loop(): Loop {
    return this.#around.loop;
  }

  /** False while QEMU owes an answer whose deadline has passed. */
  get isResponsive(): boolean {
    return this.#process?.monitor.responsive ?? true;
  }

  /**
   * Launches QEMU and lets the guest go, unless it is to stay paused. When that fails nothing is left of it; the error
   * is the first cause, with QEMU's last words if it has died of it.
   */
  async boot(plan: () => Promise<LaunchPlan>, paused: boolean): Promise<void> {
    let connected: Connected | undefined;
    try {
      this.#save();
      const launch = await plan();
      this.describe(launch.definition);
      connected = await this.#around.host.launch(launch);
      const { monitor } = this.#attach(connected);
      this.#save();
      await monitor.open({ timeoutMs: this.#around.startTimeoutMs });
      this.describe(await findTerminals(monitor, this.#definition));
      for (const { execute, arguments: args } of launch.commands ?? []) await monitor.execute(execute, args);
      if (!paused) await monitor.execute("cont");
      this.#start(paused);
    } catch (error) {
      if (this.#process === undefined) discard(connected);
      await this.#abort().catch(this.#around.report);
      throw error instanceof MonitorClosedError ? new QemuDiedError(connected?.lastWords() ?? "", error) : error;
    }
  }

  /**
   * Takes up a guest that ran before the driver was opened, in its last known state at once; resolves when QEMU has said
   * what it does now. One that does not answer is waited for as long as it lives: it is no worse a guest than before. It
   * ends when its monitor is closed, or its start had not come to an end.
   */
  async adopt(connected: Connected | undefined, status: DomainStatus): Promise<void> {
    if (status.reason !== DomainReason.paused.startingUp || status.state !== DomainState.paused)
      this.#phase = "started";
    this.#domain.move(this.incarnation, status);
    if (connected === undefined) return this.#finish();
    const { monitor } = this.#attach(connected);
    if (this.#phase === "starting") return this.#abort().catch(this.#around.report);
    const complaint = this.#complainLater();
    try {
      await monitor.open({ timeoutMs: Infinity });
      const before = this.#changes;
      const answer = (await monitor.execute("query-status", {}, { timeoutMs: Infinity })) as JsonObject;
      // An event in the meantime is as new as the answer or newer.
      if (this.#changes === before) this.#synchronise(answer);
    } catch (error) {
      if (this.#phase === "started") this.#around.report(error);
    } finally {
      complaint.remove();
    }
  }

  async suspend(timeoutMs: number): Promise<void> {
    if (this.#domain.status.state !== DomainState.running) return;
    this.#pauseReason = DomainReason.paused.user;
    try {
      await this.#execute("stop", timeoutMs);
    } finally {
      this.#pauseReason = DomainReason.paused.unknown;
    }
  }

  async resume(timeoutMs: number): Promise<void> {
    if (this.#domain.status.state === DomainState.running) throw invalid("domain is already running");
    await this.#execute("cont", timeoutMs);
  }

  async reset(timeoutMs: number): Promise<void> {
    await this.#execute("system_reset", timeoutMs);
  }

  /** Presses the guest's power button; `byAgent` would ask its agent instead, and none has one yet. */
  async shutdown(byAgent: boolean, timeoutMs: number): Promise<void> {
    if (this.#domain.status.state !== DomainState.running) throw invalid("domain is not running");
    if (byAgent) throw noAgent();
    await this.#execute("system_powerdown", timeoutMs);
  }

  /** Another definition of what runs, after a device has come or gone, say. Under the domain's job. */
  describe(definition: Definition): void {
    this.#definition = definition;
    this.#domain.describe(this.incarnation, definition);
    this.#attempt(() => this.#save());
  }

  /** A command for its QEMU. Rejects as Monitor.execute, and with MonitorClosedError when it has ended. */
  async execute(
    command: string,
    args: JsonObject,
    timeoutMs: number,
    options: Omit<ExecuteOptions, "timeoutMs"> = {},
  ): Promise<unknown> {
    const monitor = this.#phase === "started" ? this.#process?.monitor : undefined;
    if (monitor === undefined) throw new MonitorClosedError("the domain does not run any more");
    return monitor.execute(command, args, { ...options, timeoutMs });
  }

  /**
   * Hears of QEMU's events until the function that it returns is called, or the run ends; after what the run itself
   * makes of them.
   */
  onMonitorEvent(listener: (event: MonitorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears once that it is over, until the function that it returns is called. */
  onGone(listener: () => void): () => void {
    this.#mourners.add(listener);
    return () => this.#mourners.delete(listener);
  }

  /** Begins to end it; with `gracefully` QEMU is asked to, and no more. */
  destroy(gracefully: boolean): void {
    if (!gracefully) this.#destroyed = "surely";
    else if (this.#destroyed === "no") this.#destroyed = "gracefully";
    this.#process?.terminate({ gracefully });
  }

  /**
   * Resolves when the process is gone, after `destroy`. Rejects with DeadlineError: after a graceful attempt the guest
   * is then as before.
   */
  async gone(gracefully: boolean): Promise<void> {
    const { terminateMs } = this.#around;
    try {
      await this.#process?.endedWithin(gracefully ? terminateMs : terminateMs + dyingMs);
    } catch (error) {
      if (this.#destroyed === "gracefully") this.#destroyed = "no";
      throw error;
    }
  }

  /** The driver closes: a guest that has started runs on, and a start under way is given up. */
  release(): void {
    if (this.#phase === "started") {
      this.#phase = "released";
      this.#process?.release();
    } else {
      this.#destroyed = "surely";
      this.#process?.kill();
    }
  }

  onEvent(event: MonitorEvent): void {
    const { name, data } = event;
    if (["STOP", "RESUME", "SHUTDOWN"].includes(name)) this.#changes++;
    if (name === "STOP") this.#onStop();
    else if (name === "RESUME") this.#onResume();
    else if (name === "SHUTDOWN") this.#onShutdown(data["guest"]);
    for (const listener of this.#listeners) this.#attempt(() => listener(event));
  }

  onEnd(): void {
    this.#finish();
  }

  #attach(connected: Connected): QemuProcess {
    const { loop, terminateMs } = this.#around;
    this.#process = new QemuProcess(loop, connected, this, terminateMs);
    // Given up while it was being launched.
    if (this.#destroyed !== "no") this.#process.kill();
    return this.#process;
  }

  async #execute(command: string, timeoutMs: number): Promise<void> {
    await this.#process?.monitor.execute(command, {}, { timeoutMs });
  }

  /**
   * The guest has been let go. QEMU's event says so before the reply does, so that what it tells next finds a started
   * domain; of a guest that stays paused there is no event.
   */
  #start(paused: boolean): void {
    if (this.#phase !== "starting") return;
    this.#phase = "started";
    const { started, suspended, resumed } = Lifecycle;
    if (paused) {
      this.#move({ state: DomainState.paused, reason: DomainReason.paused.user });
      this.#tell(started.event, started.detail.booted);
      this.#tell(suspended.event, suspended.detail.paused);
    } else {
      this.#move({ state: DomainState.running, reason: DomainReason.running.booted });
      this.#tell(resumed.event, resumed.detail.unpaused);
      this.#tell(started.event, started.detail.booted);
    }
  }

  #onStop(): void {
    if (this.#phase !== "started" || this.#domain.status.state !== DomainState.running) return;
    this.#move({ state: DomainState.paused, reason: this.#pauseReason });
    this.#tell(Lifecycle.suspended.event, Lifecycle.suspended.detail.paused);
  }

  #onResume(): void {
    if (this.#phase === "starting") return this.#start(false);
    if (this.#phase !== "started" || this.#domain.status.state !== DomainState.paused) return;
    this.#move({ state: DomainState.running, reason: DomainReason.running.unpaused });
    this.#tell(Lifecycle.resumed.event, Lifecycle.resumed.detail.unpaused);
  }

  #onShutdown(byGuest: unknown): void {
    if (this.#isShutDown) return;
    this.#isShutDown = true;
    if (this.#phase === "started") {
      this.#move({ state: DomainState.shutdown, reason: DomainReason.shutdown.unknown });
      const { finished, guest, host } = Lifecycle.shutdown.detail;
      this.#tell(Lifecycle.shutdown.event, byGuest === undefined ? finished : byGuest === true ? guest : host);
    }
    // It writes back what its disks have not yet, however long that takes.
    this.#process?.terminate({ gracefully: true });
  }

  /** What QEMU says it does now, against what was last known of it. */
  #synchronise({ status }: JsonObject): void {
    if (this.#phase !== "started") return;
    const { state } = this.#domain.status;
    if (status === "shutdown") this.#onShutdown(undefined);
    else if (status === "running" && state !== DomainState.running) {
      this.#move({ state: DomainState.running, reason: DomainReason.running.unknown });
      this.#tell(Lifecycle.resumed.event, Lifecycle.resumed.detail.unpaused);
    } else if (status !== "running" && state === DomainState.running) {
      this.#move({ state: DomainState.paused, reason: DomainReason.paused.unknown });
      this.#tell(Lifecycle.suspended.event, Lifecycle.suspended.detail.paused);
    }
  }

  #complainLater(): { remove(): void } {
    const { loop, startTimeoutMs, report } = this.#around;
    const message = `QEMU (pid ${this.pid}) of domain '${this.#domain.name}' has not answered for ${startTimeoutMs} ms; it is left alone`;
    return loop.timeout(loop.now() + startTimeoutMs, () => report(new DeadlineError(message)));
  }

  /** Ends the run at once, whatever it was about. */
  async #abort(): Promise<void> {
    if (this.#process === undefined) return this.#finish();
    this.#process.kill();
    await this.#process.endedWithin(dyingMs);
  }

  #finish(): void {
    const hasStarted = this.#phase === "started";
    const { reason, detail } = this.#outcome(hasStarted);
    const running = this.#domain.reference;
    if (!this.#domain.end(this.incarnation, reason)) return;
    this.#phase = "ended";
    this.#around.onGone();
    for (const listener of this.#mourners) this.#attempt(listener);
    this.#attempt(() => this.#around.records.remove(this.#domain.uuid));
    if (!hasStarted) return;
    // As libvirt has it: one that was destroyed has no id any more, one that ended by itself still has.
    const dom = this.#destroyed === "no" ? running : this.#domain.reference;
    this.#tell(Lifecycle.stopped.event, detail, dom);
  }

  #outcome(hasStarted: boolean): { reason: number; detail: number } {
    const reason = DomainReason.shutoff;
    const { detail } = Lifecycle.stopped;
    if (!hasStarted) return { reason: reason.failed, detail: detail.failed };
    if (this.#destroyed !== "no") return { reason: reason.destroyed, detail: detail.destroyed };
    if (this.#isShutDown) return { reason: reason.shutdown, detail: detail.shutdown };
    return { reason: reason.crashed, detail: detail.failed };
  }

  #move(status: DomainStatus): void {
    this.#domain.move(this.incarnation, status);
    this.#attempt(() => this.#save());
  }

  #save(): void {
    const { id } = this.incarnation;
    const process = this.#process?.identity;
    this.#around.records.write({ id, process, status: this.#domain.status, definition: this.#definition });
  }

  #tell(event: number, detail: number, dom: WireDomain = this.#domain.reference): void {
    this.#around.publish({ name: "lifecycle", dom, event, detail });
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#around.report(error);
    }
  }
}

/** A QEMU that could not be watched must not stay behind unseen. */
function discard(connected: Connected | undefined): void {
  connected?.process.signal("SIGKILL");
  connected?.process.close();
  connected?.transport.close();
}
