import type { Loop } from "../../event/index.ts";
import type { Definition, Domain, Incarnation } from "../../model/index.ts";
import { DomainReason, DomainState, Lifecycle } from "../../protocol/index.ts";
import { type ExecuteOptions, type JsonObject, MonitorClosedError, type MonitorEvent } from "../../qmp/index.ts";
import type { AgentLink } from "./agent-link.ts";
import { Companions } from "./companions.ts";
import { findTerminals } from "./console.ts";
import { DeviceTransit } from "./device-transit.ts";
import { QemuDiedError } from "./errors.ts";
import { greet } from "./greeting.ts";
import type { Connected, LaunchPlan } from "./host.ts";
import { Power } from "./power.ts";
import { discard, QemuProcess, type QemuProcessListener } from "./qemu-process.ts";
import { RunAgent } from "./run-agent.ts";
import { outcomeOf } from "./run-ending.ts";
import type { RunEnding, RunRecord, UnfinishedJob } from "./run-record.ts";
import { RunState } from "./run-state.ts";
import type { BootManner, RunSurroundings } from "./run-surroundings.ts";
import type { Told } from "./told.ts";

/** How long after SIGKILL a process may take to be gone. */
const dyingMs = 15_000;
/**
 * One run of a domain, from the decision to start until its process is gone.
 *
 *     starting -> started -> ended
 *     starting -> ended                (nobody hears of a start that failed)
 *     starting, started -> released    (the guest runs on without us)
 *
 * boot, adopt:      starting; once; under the domain's job.
 * power:            started; under the domain's job.
 * end:              started; under the domain's job: ends it for a reason of ours.
 * destroy:          any; it needs no job, because what holds the job may be waiting for this very QEMU.
 *
 * Whatever ends a run, and in whatever order its signs arrive, `#finish` runs once: it makes the domain inactive and
 * tells the one reason.
 */
export class Run implements QemuProcessListener {
  readonly incarnation: Incarnation;
  readonly power: Power;
  readonly transit = new DeviceTransit(() => this.#save());
  readonly domain: Domain;
  readonly #around: RunSurroundings;
  readonly #state: RunState;
  readonly #companions: Companions;
  readonly #since: number | undefined;
  #definition: Definition;
  readonly #agent: RunAgent;
  #phase: "running" | "ended" | "released" = "running";
  #process: QemuProcess | undefined;
  #job: UnfinishedJob | undefined;
  #ending: RunEnding | undefined;
  /** Whether somebody has asked for its end. */
  #destroyed: "no" | "gracefully" | "surely" = "no";
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
  readonly #mourners = new Set<() => void>();
  #isEndTold = false;

  constructor(
    around: RunSurroundings,
    domain: Domain,
    incarnation: Incarnation,
    definition: Definition,
    since?: number,
  ) {
    this.#around = around;
    this.domain = domain;
    this.incarnation = incarnation;
    this.#definition = definition;
    this.#since = since;
    this.#companions = new Companions(around);
    this.#state = new RunState(domain, incarnation, {
      publish: (event) => void around.publish(event),
      onMove: () => this.#attempt(() => this.#save()),
      onFirstResume: () => this.#state.startRunning(),
      // It writes back what its disks have not yet, however long that takes.
      onShutdown: () => this.#process?.terminate({ gracefully: true }),
      onReboot: () => this.power.bootAgain(),
      onPanic: () => around.react("crash", () => this.power.onPanic()),
    });
    this.power = new Power({
      run: this,
      domain,
      around,
      state: this.#state,
      definition: () => this.#definition,
      monitor: () => this.#monitor(),
      save: () => this.#save(),
    });
    this.#agent = new RunAgent(around, {
      definition: () => this.#definition,
      describe: (next) => this.describe(next),
      tell: (state, reason) => {
        if (this.#state.isStarted)
          void around.publish({ name: "agentLifecycle", dom: domain.reference, state, reason });
      },
    });
    domain.begin(incarnation, definition);
  }

  get pid(): number | undefined {
    return this.#process?.identity.pid;
  }

  get loop(): Loop {
    return this.#around.loop;
  }

  /** False while its QEMU owes an answer whose deadline has passed. */
  get isResponsive(): boolean {
    return this.#process?.monitor.responsive !== false;
  }

  /** Undefined where the guest has no channel for one. */
  get agent(): AgentLink | undefined {
    return this.#agent.link;
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

  /** Somebody has asked for its end. */
  get isUnwanted(): boolean {
    return this.#destroyed !== "no";
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
      await this.power.begin(manner);
    } catch (error) {
      this.#noteTranscript("the start failed");
      if (this.#process === undefined) discard(connected);
      await this.#abort().catch(this.#around.report);
      if (!(error instanceof MonitorClosedError)) throw error;
      const words = (await this.#companions.complaint()) ?? connected?.lastWords() ?? "";
      throw new QemuDiedError(words, error);
    }
  }

  /**
   * Takes up a guest that ran before the driver was opened, in its last known state at once; resolves when QEMU has said
   * what it does now. One that does not answer is waited for as long as it lives. It ends when its monitor is closed, when
   * its start had not come to an end, or its end had begun or been told. `told`: by the daemon before us.
   */
  async adopt(connected: Connected | undefined, record: RunRecord, told?: Told): Promise<void> {
    const { status, job, ending } = record;
    this.#state.isStarted = status.reason !== DomainReason.paused.startingUp || status.state !== DomainState.paused;
    this.#state.rebootsOnPowerOff = record.rebootsOnPowerOff === true;
    this.#job = job;
    this.#ending = ending;
    this.transit.restore(record.transit);
    this.#companions.adopt(record.companions ?? []);
    this.domain.move(this.incarnation, status);
    if (told !== undefined && this.#state.isStarted && !told.isEnded) this.#state.catchUp(told);
    this.#isEndTold = told?.isEnded === true;
    if (connected === undefined) return this.#finish();
    const process = this.#attach(connected);
    const { monitor } = process;
    if (!this.#state.isStarted || ending !== undefined || this.#isEndTold)
      return this.#abort().catch(this.#around.report);
    const complaint = process.complainAfter(this.#around.startTimeoutMs, this.domain.name, this.#around.report);
    try {
      await monitor.open({ timeoutMs: Infinity });
      const before = this.#state.changes;
      const answer = (await monitor.execute("query-status", {}, { timeoutMs: Infinity })) as JsonObject;
      // An event in the meantime is as new as the answer or newer; and what a job has paused is the job's.
      if (this.#state.changes === before && job === undefined) this.#state.synchronise(answer["status"]);
      await this.#prepare();
      await this.#agent.find(monitor);
    } catch (error) {
      // That somebody ends it meanwhile is no fault of its.
      if (!this.hasEnded && this.#destroyed === "no") this.#around.report(error);
    } finally {
      complaint.remove();
    }
  }

  /** What takes long has begun (what it is), or ended (undefined): written down before anything else happens. */
  note(job: UnfinishedJob | undefined): void {
    this.#job = job;
    this.#save();
  }

  /** Another definition of what runs, after a device has come or gone, say. Under the domain's job. */
  describe(definition: Definition): void {
    this.#definition = definition;
    this.domain.describe(this.incarnation, definition);
    this.#attempt(() => this.#save());
  }

  /** A command for its QEMU. Rejects as Monitor.execute, and with MonitorClosedError when it has ended. */
  async execute(
    command: string,
    args: JsonObject = {},
    timeoutMs?: number,
    options: Omit<ExecuteOptions, "timeoutMs"> = {},
  ): Promise<unknown> {
    if (!this.#state.isStarted) throw new MonitorClosedError("the domain does not run yet");
    return this.#monitor().execute(command, args, timeoutMs === undefined ? options : { ...options, timeoutMs });
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
      this.#agent.close();
      this.#companions.release();
      this.#process?.release();
    } else {
      this.#destroyed = "surely";
      this.#process?.kill();
    }
  }

  onEvent(event: MonitorEvent): void {
    if (this.#phase !== "running") return;
    this.#state.onEvent(event);
    if (event.name === "VSERPORT_CHANGE") this.#agent.onChannel(String(event.data["id"]), event.data["open"] === true);
    for (const listener of this.#listeners) this.#attempt(() => listener(event));
  }

  onMonitorClose(cause: Error): void {
    if (this.#destroyed === "no" && this.#ending === undefined && !this.isShutDown)
      this.#noteTranscript(`the monitor was closed (${cause.message})`);
  }

  onEnd(): void {
    this.#finish();
  }

  async #launch(launch: LaunchPlan, { from }: BootManner): Promise<Connected> {
    try {
      await this.#companions.start(launch.companions ?? [], () => this.#save());
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

  async #prepare(): Promise<void> {
    await greet(this.#monitor(), this.#definition);
    this.#agent.open();
  }

  #monitor(): QemuProcess["monitor"] {
    const monitor = this.#process?.monitor;
    if (monitor === undefined || this.#phase !== "running")
      throw new MonitorClosedError("the domain does not run any more");
    return monitor;
  }

  #noteTranscript(what: string): void {
    const transcript = this.#process?.monitor.transcript.toString() ?? "";
    if (transcript !== "") this.#attempt(() => this.#around.note(`${what}; the monitor's last lines:\n${transcript}`));
  }

  /** Ends the run at once, whatever it was about. */
  async #abort(): Promise<void> {
    if (this.#process === undefined) return this.#finish();
    this.#process.kill();
    await this.#process.endedWithin(dyingMs);
  }

  #finish(): void {
    const hasStarted = this.#state.isStarted;
    const { reason, detail } = outcomeOf({
      hasStarted,
      ending: this.#ending,
      isDestroyed: this.#destroyed !== "no",
      isShutDown: this.isShutDown,
    });
    const running = this.domain.reference;
    if (!this.domain.end(this.incarnation, reason)) return;
    this.#phase = "ended";
    this.#agent.close();
    const served = this.#companions.end();
    this.#around.onGone(served);
    for (const listener of this.#mourners) this.#attempt(listener);
    // As libvirt has it: one that was ended has no id any more, one that ended by itself still has.
    const isOurs = this.#destroyed !== "no" || this.#ending !== undefined;
    const dom = isOurs ? this.domain.reference : running;
    const isSilent = !hasStarted || this.#isEndTold;
    const { event } = Lifecycle.stopped;
    const told = isSilent ? undefined : this.#around.publish({ name: "lifecycle", dom, event, detail });
    this.#around.forget(served === undefined ? told : Promise.all([served, told]).then(() => {}));
  }

  #save(): void {
    if (this.#phase !== "running") return;
    this.#around.records.write({
      id: this.incarnation.id,
      process: this.#process?.identity,
      companions: this.#companions.records,
      status: this.domain.status,
      definition: this.#definition,
      job: this.#job,
      ending: this.#ending,
      transit: this.transit.record,
      rebootsOnPowerOff: this.#state.rebootsOnPowerOff || undefined,
      since: this.#since,
    });
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#around.report(error);
    }
  }
}
