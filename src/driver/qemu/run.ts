import { DeadlineError, type Loop } from "../../event/index.ts";
import type { Definition, Domain, Incarnation } from "../../model/index.ts";
import {
  type DomainEvent,
  DomainReason,
  DomainState,
  Lifecycle,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import { type ExecuteOptions, type JsonObject, MonitorClosedError, type MonitorEvent } from "../../qmp/index.ts";
import { AgentLink, agentChannel, withChannelState } from "./agent-link.ts";
import { findTerminals } from "./console.ts";
import { invalid, QemuDiedError } from "./errors.ts";
import type { Connected, LaunchPlan, QemuHost } from "./host.ts";
import { loadMemory, type MemorySource } from "./memory-stream.ts";
import { QemuProcess, type QemuProcessListener } from "./qemu-process.ts";
import type { RunEnding, RunRecord, RunRecords, UnfinishedJob } from "./run-record.ts";
import { RunState } from "./run-state.ts";
import type { Told } from "./told.ts";

/** What all runs of a driver have in common. */
export interface RunSurroundings {
  readonly loop: Loop;
  readonly host: QemuHost;
  readonly records: Pick<RunRecords, "write">;
  /** From launch to the monitor's readiness. */
  readonly startTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMs: number;
  /** Resolves when no end of ours makes it untold; undefined: it is so already. */
  publish(event: DomainEvent): Promise<void> | undefined;
  /** The run is over, and the domain inactive; it may not exist any more. */
  onGone(): void;
  /** Everybody can hear of its end when `told` has resolved: the record may go then. */
  forget(told: Promise<void> | undefined): void;
  /** Does something about what happened in the guest, as a job of its domain. */
  react(operation: string, act: () => Promise<void>): void;
  /** The guest has crashed, and its memory is to be kept. Under the domain's job. */
  keepCrash(run: Run): Promise<void>;
  /** Writes down what happened, for people. */
  note(text: string): void;
  /** Hears of what went wrong where nobody is to be told. */
  readonly report: (error: unknown) => void;
}

/** How a run begins. */
export interface BootManner {
  readonly paused: boolean;
  /** The memory that it goes on with; absent: it begins anew. */
  readonly from?: MemorySource | undefined;
}

/** How long after SIGKILL a process may take to be gone. */
const dyingMs = 15_000;
/** virConnectDomainEventAgentLifecycleState, and the reason that the guest's channel has told it. */
const agentStates = { connected: 1, disconnected: 2, byChannel: 2 };
/** For what QEMU is asked to do because of what happened in the guest. */
const reactionMs = 30_000;

/**
 * One run of a domain, from the decision to start until its process is gone.
 *
 *     starting -> started -> ended
 *     starting -> ended                (nobody hears of a start that failed)
 *     starting, started -> released    (the guest runs on without us)
 *
 * boot, adopt:      starting; once; under the domain's job.
 * suspend, resume, reset, shutdown, reboot, wakeUp: started; under the domain's job. The state changes by the event that
 *                   QEMU sends before its reply, so that there is one order of things (RunState).
 * end:              started; under the domain's job: ends it for a reason of ours.
 * destroy:          any; it needs no job, because what holds the job may be waiting for this very QEMU.
 *
 * Whatever ends a run, and in whatever order its signs arrive, `#finish` runs once: it makes the domain inactive and
 * tells the one reason.
 */
export class Run implements QemuProcessListener {
  readonly incarnation: Incarnation;
  readonly #domain: Domain;
  readonly #around: RunSurroundings;
  readonly #state: RunState;
  readonly #since: number | undefined;
  #definition: Definition;
  #agent: AgentLink | undefined;
  #phase: "running" | "ended" | "released" = "running";
  #process: QemuProcess | undefined;
  #job: UnfinishedJob | undefined;
  #ending: RunEnding | undefined;
  /** Whether somebody has asked for its end. */
  #destroyed: "no" | "gracefully" | "surely" = "no";
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
  readonly #mourners = new Set<() => void>();

  constructor(
    around: RunSurroundings,
    domain: Domain,
    incarnation: Incarnation,
    definition: Definition,
    since?: number,
  ) {
    this.#around = around;
    this.#domain = domain;
    this.incarnation = incarnation;
    this.#definition = definition;
    this.#since = since;
    this.#state = new RunState(domain, incarnation, {
      publish: (event) => void around.publish(event),
      onMove: () => this.#attempt(() => this.#save()),
      onFirstResume: () => this.#state.startRunning(),
      // It writes back what its disks have not yet, however long that takes.
      onShutdown: () => this.#process?.terminate({ gracefully: true }),
      onReboot: () => this.#bootAgain(),
      onPanic: () => around.react("crash", () => this.#onPanic()),
    });
    domain.begin(incarnation, definition);
  }

  get pid(): number | undefined {
    return this.#process?.identity.pid;
  }

  get loop(): Loop {
    return this.#around.loop;
  }

  get domain(): Domain {
    return this.#domain;
  }

  /** False while its QEMU owes an answer whose deadline has passed. */
  get isResponsive(): boolean {
    return this.#process?.monitor.responsive !== false;
  }

  /** Undefined where the guest has no channel for one. */
  get agent(): AgentLink | undefined {
    return this.#agent;
  }

  get isShutDown(): boolean {
    return this.#state.isShutDown;
  }

  /** For how long its QEMU has owed an answer whose deadline has passed: how old all is that is known of it. */
  get silenceMs(): number {
    return this.#process?.silenceMs ?? 0;
  }

  /** What it does now that takes long. */
  get job(): UnfinishedJob | undefined {
    return this.#job;
  }

  /** What was said on its monitor last. */
  get transcript(): string {
    return this.#process?.monitor.transcript.toString() ?? "";
  }

  get hasEnded(): boolean {
    return this.#phase !== "running";
  }

  /**
   * Launches QEMU and lets the guest go, unless it is to stay paused. When that fails nothing is left of it; the error
   * is the first cause, with QEMU's last words if it has died of it.
   */
  async boot(plan: () => Promise<LaunchPlan>, manner: BootManner): Promise<void> {
    let connected: Connected | undefined;
    try {
      this.#save();
      const launch = await plan();
      connected = await this.#launch(launch, manner);
      const { monitor } = this.#attach(connected);
      this.#save();
      await monitor.open({ timeoutMs: this.#around.startTimeoutMs });
      await this.#prepare();
      this.describe(await findTerminals(monitor, this.#definition));
      for (const { execute, arguments: args } of launch.commands ?? []) await monitor.execute(execute, args);
      await this.#letGo(manner);
    } catch (error) {
      this.#noteTranscript("the start failed");
      if (this.#process === undefined) discard(connected);
      await this.#abort().catch(this.#around.report);
      throw error instanceof MonitorClosedError ? new QemuDiedError(connected?.lastWords() ?? "", error) : error;
    }
  }

  /**
   * Takes up a guest that ran before the driver was opened, in its last known state at once; resolves when QEMU has said
   * what it does now. One that does not answer is waited for as long as it lives: it is no worse a guest than before. It
   * ends when its monitor is closed, when its start had not come to an end, or its end had begun. `told`: by the daemon
   * before us, if that may have ended before it had told everything.
   */
  async adopt(connected: Connected | undefined, record: RunRecord, told?: Told): Promise<void> {
    const { status, job, ending } = record;
    this.#state.isStarted = status.reason !== DomainReason.paused.startingUp || status.state !== DomainState.paused;
    this.#state.rebootsOnPowerOff = record.rebootsOnPowerOff === true;
    this.#job = job;
    this.#ending = ending;
    this.#domain.move(this.incarnation, status);
    if (told !== undefined && this.#state.isStarted && !told.isEnded) this.#state.catchUp(told);
    if (connected === undefined) return this.#finish(told?.isEnded === true);
    const { monitor } = this.#attach(connected);
    if (!this.#state.isStarted || ending !== undefined) return this.#abort().catch(this.#around.report);
    const complaint = this.#complainLater();
    try {
      await monitor.open({ timeoutMs: Infinity });
      const before = this.#state.changes;
      const answer = (await monitor.execute("query-status", {}, { timeoutMs: Infinity })) as JsonObject;
      // An event in the meantime is as new as the answer or newer; and what a job has paused is the job's.
      if (this.#state.changes === before && job === undefined) this.#state.synchronise(answer["status"]);
      await this.#prepare();
      await this.#findAgent();
    } catch (error) {
      if (!this.hasEnded) this.#around.report(error);
    } finally {
      complaint.remove();
    }
  }

  async suspend(timeoutMs: number, reason: number = DomainReason.paused.user): Promise<void> {
    if (this.#domain.status.state !== DomainState.running) return;
    await this.#state.because({ pause: reason }, () => this.#command("stop", timeoutMs));
  }

  /** `reason` is one of DomainReason.running. */
  async resume(timeoutMs: number, reason: number = DomainReason.running.unpaused): Promise<void> {
    const { state } = this.#domain.status;
    if (state === DomainState.running) throw invalid("domain is already running");
    if (state === DomainState.pmsuspended) throw invalid("domain is pmsuspended");
    await this.#state.because({ run: reason }, () => this.#command("cont", timeoutMs));
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
    this.#expectReboot(!["destroy", "preserve"].includes(this.#definition.textOf("on_reboot") ?? "restart"));
    await this.#command("system_powerdown", timeoutMs);
  }

  wakeUp(timeoutMs: number): Promise<void> {
    return this.#command("system_wakeup", timeoutMs);
  }

  /** What takes long has begun (what it is), or ended (undefined): written down before anything else happens. */
  note(job: UnfinishedJob | undefined): void {
    this.#job = job;
    this.#save();
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
    args: JsonObject = {},
    timeoutMs?: number,
    options: Omit<ExecuteOptions, "timeoutMs"> = {},
  ): Promise<unknown> {
    const isOpen = this.#state.isStarted && this.#phase === "running";
    const monitor = isOpen ? this.#process?.monitor : undefined;
    if (monitor === undefined) throw new MonitorClosedError("the domain does not run any more");
    return monitor.execute(command, args, timeoutMs === undefined ? options : { ...options, timeoutMs });
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

  /** Ends it, and this is what is told of it. Resolves when it is gone. */
  async end(ending: RunEnding): Promise<void> {
    this.#ending = ending;
    this.#attempt(() => this.#save());
    // What QEMU says about its own end is no news.
    this.#state.isShutDown = true;
    this.#process?.terminate();
    await this.gone(false);
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
    if (this.#state.isStarted && this.#phase === "running") {
      this.#phase = "released";
      this.#agent?.close();
      this.#process?.release();
    } else {
      this.#destroyed = "surely";
      this.#process?.kill();
    }
  }

  onEvent(event: MonitorEvent): void {
    if (this.#phase !== "running") return;
    this.#state.onEvent(event);
    if (event.name === "VSERPORT_CHANGE") this.#onChannel(String(event.data["id"]), event.data["open"] === true);
    for (const listener of this.#listeners) this.#attempt(() => listener(event));
  }

  onMonitorClose(cause: Error): void {
    if (this.#destroyed === "no" && this.#ending === undefined && !this.isShutDown)
      this.#noteTranscript(`the monitor was closed (${cause.message})`);
  }

  onEnd(): void {
    this.#finish(false);
  }

  async #launch(launch: LaunchPlan, { from }: BootManner): Promise<Connected> {
    try {
      this.describe(launch.definition);
      const incoming = from === undefined ? [] : ["-incoming", "defer"];
      return await this.#around.host.launch({ ...launch, args: [...launch.args, ...incoming] });
    } finally {
      launch.release?.();
    }
  }

  #attach(connected: Connected): QemuProcess {
    const { loop, terminateMs } = this.#around;
    this.#process = new QemuProcess(loop, connected, this, terminateMs);
    // Given up while it was being launched.
    if (this.#destroyed !== "no") this.#process.kill();
    return this.#process;
  }

  #onChannel(id: string, isOpen: boolean): void {
    const definition = withChannelState(this.#definition, id, isOpen);
    if (definition !== undefined) this.describe(definition);
    const channel = agentChannel(this.#definition);
    if (channel?.id !== id || this.#agent === undefined) return;
    this.#attempt(() => this.#agent?.onChannel(isOpen));
    if (definition === undefined || !this.#state.isStarted) return;
    const state = isOpen ? agentStates.connected : agentStates.disconnected;
    const dom = this.#domain.reference;
    void this.#around.publish({ name: "agentLifecycle", dom, state, reason: agentStates.byChannel });
  }

  /** The agent that was there before us has said so to somebody else. */
  async #findAgent(): Promise<void> {
    const id = agentChannel(this.#definition)?.id;
    if (id === undefined) return;
    const backends = (await this.#monitor().execute("query-chardev")) as readonly JsonObject[];
    const backend = backends.find(({ label }) => label === `char${id}`);
    if (backend !== undefined) this.#onChannel(id, backend["frontend-open"] === true);
  }

  #linkAgent(): void {
    const { loop, host } = this.#around;
    const path = agentChannel(this.#definition)?.path;
    if (path !== undefined) this.#agent = new AgentLink(loop, () => host.connect(path));
  }

  /** What QEMU is told before everything else. */
  async #prepare(): Promise<void> {
    const capabilities = [{ capability: "events", state: true }];
    const monitor = this.#monitor();
    const told = [monitor.execute("migrate-set-capabilities", { capabilities })];
    if (this.#definition.textOf("on_reboot") === "destroy")
      told.push(monitor.execute("set-action", { reboot: "shutdown" }));
    await Promise.all(told);
    this.#linkAgent();
  }

  async #letGo({ paused, from }: BootManner): Promise<void> {
    const { started, suspended } = Lifecycle;
    const { paused: reasons, running } = DomainReason;
    const run = (reason: number): Promise<void> =>
      this.#state.because({ run: reason }, () => this.#command("cont", reactionMs));
    if (from !== undefined) {
      await loadMemory(this.#monitor(), from, this.#around.loop);
      this.#state.start(reasons.migration, started.detail.restored);
      await from.onLoaded();
      if (!paused) return run(running.restored);
      return this.#state.tell(suspended.event, suspended.detail.restored);
    }
    if (!paused) {
      await run(running.booted);
      return this.#state.startRunning();
    }
    if (this.#phase !== "running") return;
    this.#state.start(reasons.user, started.detail.booted);
    this.#state.tell(suspended.event, suspended.detail.paused);
  }

  async #command(command: string, timeoutMs: number): Promise<void> {
    await this.#monitor().execute(command, {}, { timeoutMs });
  }

  #monitor(): QemuProcess["monitor"] {
    const monitor = this.#process?.monitor;
    if (monitor === undefined || this.#phase !== "running")
      throw new MonitorClosedError("the domain does not run any more");
    return monitor;
  }

  #checkRunning(): void {
    if (this.#domain.status.state !== DomainState.running) throw invalid("domain is not running");
  }

  /** What the guest's next powering off is taken for: known before it is asked to. */
  #expectReboot(value: boolean): void {
    if (this.#state.rebootsOnPowerOff === value) return;
    this.#state.rebootsOnPowerOff = value;
    this.#save();
  }

  #bootAgain(): void {
    this.#state.beginReboot();
    this.#around.react("reboot", async () => {
      if (this.hasEnded) return;
      await this.#command("system_reset", reactionMs);
      await this.#state.because({ run: DomainReason.running.booted }, () => this.#command("cont", reactionMs));
    });
  }

  /** As the definition says; the guest stands still. */
  async #onPanic(): Promise<void> {
    if (this.hasEnded || this.#domain.status.state !== DomainState.crashed) return;
    const action = this.#definition.textOf("on_crash") ?? "destroy";
    if (action.startsWith("coredump-")) await this.#around.keepCrash(this);
    if (action === "preserve" || this.hasEnded) return;
    if (action === "destroy" || action === "coredump-destroy") {
      return this.end({ reason: DomainReason.shutoff.crashed, detail: Lifecycle.stopped.detail.crashed });
    }
    await this.#command("system_reset", reactionMs);
    await this.#state.because({ run: DomainReason.running.crashed }, () => this.#command("cont", reactionMs));
  }

  #complainLater(): { remove(): void } {
    const { loop, startTimeoutMs, report } = this.#around;
    const message = `QEMU (pid ${this.pid}) of domain '${this.#domain.name}' has not answered for ${startTimeoutMs} ms; it is left alone`;
    return loop.timeout(loop.now() + startTimeoutMs, () => report(new DeadlineError(message)));
  }

  #noteTranscript(what: string): void {
    const { transcript } = this;
    if (transcript !== "") this.#attempt(() => this.#around.note(`${what}; the monitor's last lines:\n${transcript}`));
  }

  /** Ends the run at once, whatever it was about. */
  async #abort(): Promise<void> {
    if (this.#process === undefined) return this.#finish(false);
    this.#process.kill();
    await this.#process.endedWithin(dyingMs);
  }

  #finish(isTold: boolean): void {
    const hasStarted = this.#state.isStarted;
    const { reason, detail } = this.#outcome(hasStarted);
    const running = this.#domain.reference;
    if (!this.#domain.end(this.incarnation, reason)) return;
    this.#phase = "ended";
    this.#agent?.close();
    this.#around.onGone();
    for (const listener of this.#mourners) this.#attempt(listener);
    // As libvirt has it: one that was ended has no id any more, one that ended by itself still has.
    const isOurs = this.#destroyed !== "no" || this.#ending !== undefined;
    const dom = isOurs ? this.#domain.reference : running;
    const isSilent = !hasStarted || isTold;
    this.#around.forget(isSilent ? undefined : this.#tell(Lifecycle.stopped.event, detail, dom));
  }

  #outcome(hasStarted: boolean): RunEnding {
    const reason = DomainReason.shutoff;
    const { detail } = Lifecycle.stopped;
    if (!hasStarted) return { reason: reason.failed, detail: detail.failed };
    if (this.#ending !== undefined) return this.#ending;
    if (this.#destroyed !== "no") return { reason: reason.destroyed, detail: detail.destroyed };
    if (this.isShutDown) return { reason: reason.shutdown, detail: detail.shutdown };
    return { reason: reason.crashed, detail: detail.failed };
  }

  #save(): void {
    if (this.#phase !== "running") return;
    this.#around.records.write({
      id: this.incarnation.id,
      process: this.#process?.identity,
      status: this.#domain.status,
      definition: this.#definition,
      job: this.#job,
      ending: this.#ending,
      rebootsOnPowerOff: this.#state.rebootsOnPowerOff || undefined,
      since: this.#since,
    });
  }

  #tell(event: number, detail: number, dom: WireDomain): Promise<void> | undefined {
    return this.#around.publish({ name: "lifecycle", dom, event, detail });
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
