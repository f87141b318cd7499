import type { Domain, DomainStatus, Incarnation } from "../../model/index.ts";
import { type DomainEvent, DomainReason, DomainState, Lifecycle } from "../../protocol/index.ts";
import type { JsonObject, MonitorEvent } from "../../qmp/index.ts";
import { ioErrorEvents } from "./io-errors.ts";
import type { Told } from "./told.ts";

/** What a run does about what happened in its guest. */
export interface RunStateListener {
  publish(event: DomainEvent): void;
  /** The state has changed: it is to be kept. */
  onMove(): void;
  /** The guest has been let go for the first time. */
  onFirstResume(): void;
  /** It is over: QEMU may write back what its disks have not yet, and end. */
  onShutdown(): void;
  /** It has powered off, and is to start again as the same run. */
  onReboot(): void;
  onPanic(): void;
}

const { running, paused } = DomainState;

/** Why QEMU says that a guest stands still, where that is more than that it does. */
const pauses: Readonly<Record<string, "ioerror" | "watchdog">> = { "io-error": "ioerror", watchdog: "watchdog" };

/** virDomainEventWatchdogAction, by QEMU's word. */
const watchdogActions = ["none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"];

/**
 * The state of one run, as its QEMU tells it: the only place where an event of the monitor becomes a state or a
 * lifecycle event. What we make QEMU do ourselves is announced before, by `because`, so that its event has our reason.
 */
export class RunState {
  /** Whether the guest has begun to run, or to wait for that: before, nobody is told anything. */
  isStarted = false;
  isShutDown = false;
  /** What the guest's next powering off is taken for. */
  rebootsOnPowerOff = false;
  /** How often QEMU has said that its state changes. */
  changes = 0;
  readonly #domain: Domain;
  readonly #incarnation: Incarnation;
  readonly #listener: RunStateListener;
  #reasons: { readonly pause?: number; readonly run?: number } = {};

  constructor(domain: Domain, incarnation: Incarnation, listener: RunStateListener) {
    this.#domain = domain;
    this.#incarnation = incarnation;
    this.#listener = listener;
  }

  /** While `act` is under way a stop, or a resumption, has this reason (of DomainReason.paused, .running). */
  async because<T>(reasons: { readonly pause?: number; readonly run?: number }, act: () => Promise<T>): Promise<T> {
    this.#reasons = reasons;
    try {
      return await act();
    } finally {
      if (this.#reasons === reasons) this.#reasons = {};
    }
  }

  onEvent({ name, data }: MonitorEvent): void {
    if (["STOP", "RESUME", "SHUTDOWN", "SUSPEND", "SUSPEND_DISK", "WAKEUP", "GUEST_PANICKED"].includes(name))
      this.changes++;
    if (Object.hasOwn(this.#handlers, name)) this.#handlers[name]?.(data);
  }

  readonly #handlers: Readonly<Record<string, (data: JsonObject) => void>> = {
    STOP: () => this.#onStop(),
    RESUME: () => this.#onResume(),
    SHUTDOWN: (data) => this.onShutdown(data["guest"], data["reason"]),
    RESET: () => this.#onReset(),
    WATCHDOG: ({ action }) => this.#onWatchdog(String(action)),
    GUEST_PANICKED: () => this.#onPanic(),
    GUEST_CRASHLOADED: () => this.#tellIfStarted(Lifecycle.crashed.event, Lifecycle.crashed.detail.crashloaded),
    SUSPEND: () => this.#onSleep("pmsuspend", Lifecycle.pmsuspended.detail.memory),
    SUSPEND_DISK: () => this.#onSleep("pmsuspendDisk", Lifecycle.pmsuspended.detail.disk),
    WAKEUP: () => this.#onWakeup(),
    RTC_CHANGE: ({ offset }) => {
      const dom = this.#domain.reference;
      if (this.isStarted) this.#listener.publish({ name: "rtcChange", dom, offset: BigInt(Number(offset)) });
    },
    BLOCK_IO_ERROR: (data) => {
      if (this.isStarted) for (const event of ioErrorEvents(this.#domain, data)) this.#listener.publish(event);
      if (data["action"] === "stop") this.#pause(DomainReason.paused.ioerror, Lifecycle.suspended.detail.ioerror);
    },
  };

  /** Of a guest that stays paused there is no event. */
  start(reason: number, detail: number): void {
    this.isStarted = true;
    this.move({ state: paused, reason });
    this.tell(Lifecycle.started.event, detail);
  }

  /**
   * The guest of a new run has been let go. QEMU's event says so before the reply does, so that what it tells next finds
   * a started domain.
   */
  startRunning(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.move({ state: running, reason: DomainReason.running.booted });
    this.tell(Lifecycle.resumed.event, Lifecycle.resumed.detail.unpaused);
    this.tell(Lifecycle.started.event, Lifecycle.started.detail.booted);
  }

  /** Tells what nobody has been told of the state that it is known to be in. */
  catchUp({ isStarted, isPaused }: Told): void {
    const { state, reason } = this.#domain.status;
    const { started, suspended, resumed } = Lifecycle;
    const isRestored = state === running && reason === DomainReason.running.restored;
    if (!isStarted) this.tell(started.event, isRestored ? started.detail.restored : started.detail.booted);
    if (state === paused && !isPaused) this.tell(suspended.event, suspended.detail.paused);
    if (state === running && (isPaused || !isStarted)) this.tell(resumed.event, resumed.detail.unpaused);
  }

  /** What QEMU says it does now, against what was last known of it. */
  synchronise(status: unknown): void {
    const { state } = this.#domain.status;
    if (status === "shutdown") this.onShutdown(undefined, undefined);
    else if (status === "guest-panicked") {
      if (state !== DomainState.crashed) this.#onPanic();
    } else if (status === "suspended") {
      if (state !== DomainState.pmsuspended) this.#onSleep("pmsuspend", Lifecycle.pmsuspended.detail.memory);
    } else if (status === "running") {
      if (state !== running) this.#run(DomainReason.running.unknown);
    } else if (state === running) {
      const why = pauses[String(status)];
      const { paused: reasons } = DomainReason;
      const { detail } = Lifecycle.suspended;
      this.#pause(why === undefined ? reasons.unknown : reasons[why], detail[why ?? "paused"]);
    }
  }

  onShutdown(byGuest: unknown, reason: unknown): void {
    if (this.isShutDown) return;
    if (this.isStarted && this.#restarts(reason)) return this.#listener.onReboot();
    this.isShutDown = true;
    if (this.isStarted) {
      this.move({ state: DomainState.shutdown, reason: DomainReason.shutdown.unknown });
      const { finished, guest, host } = Lifecycle.shutdown.detail;
      this.tell(Lifecycle.shutdown.event, byGuest === undefined ? finished : byGuest === true ? guest : host);
    }
    this.#listener.onShutdown();
  }

  move(status: DomainStatus): void {
    this.#domain.move(this.#incarnation, status);
    this.#listener.onMove();
  }

  tell(event: number, detail: number): void {
    this.#listener.publish({ name: "lifecycle", dom: this.#domain.reference, event, detail });
  }

  #tellIfStarted(event: number, detail: number): void {
    if (this.isStarted) this.tell(event, detail);
  }

  /** A signal from outside means the process, whatever is to become of the guest. */
  #restarts(reason: unknown): boolean {
    if (reason === "host-signal" || reason === "guest-reset") return false;
    return this.rebootsOnPowerOff || this.#domain.definition?.textOf("on_poweroff") === "restart";
  }

  #onStop(): void {
    this.#pause(this.#reasons.pause ?? DomainReason.paused.unknown, Lifecycle.suspended.detail.paused);
  }

  #pause(reason: number, detail: number): void {
    // QEMU stops what has powered off, too; a reboot goes on from there, and is no pause.
    if (!this.isStarted || this.#domain.status.state !== running || this.#isRebooting) return;
    this.move({ state: paused, reason });
    this.tell(Lifecycle.suspended.event, detail);
  }

  #onResume(): void {
    if (!this.isStarted) return this.#listener.onFirstResume();
    if (this.isShutDown) return;
    const { state } = this.#domain.status;
    const reason = this.#reasons.run ?? DomainReason.running.unpaused;
    // What has rebooted was running all the time.
    if (state === running && this.#isRebooting) this.move({ state: running, reason });
    if (state !== running) this.#run(reason);
    this.#isRebooting = false;
  }

  #isRebooting = false;

  /** The guest has powered off, and before it says that it runs again it counts as running. */
  beginReboot(): void {
    this.#isRebooting = true;
  }

  #run(reason: number): void {
    if (!this.isStarted) return;
    this.move({ state: running, reason });
    const { unpaused, fromSnapshot } = Lifecycle.resumed.detail;
    const isRestored = reason === DomainReason.running.restored || reason === DomainReason.running.fromSnapshot;
    this.tell(Lifecycle.resumed.event, isRestored ? fromSnapshot : unpaused);
  }

  #onReset(): void {
    if (!this.isStarted) return;
    this.#listener.publish({ name: "reboot", dom: this.#domain.reference });
    if (!this.rebootsOnPowerOff) return;
    this.rebootsOnPowerOff = false;
    this.#listener.onMove();
  }

  #onWatchdog(word: string): void {
    if (!this.isStarted) return;
    const action = Math.max(0, watchdogActions.indexOf(word));
    this.#listener.publish({ name: "watchdog", dom: this.#domain.reference, action });
    if (word === "pause") this.#pause(DomainReason.paused.watchdog, Lifecycle.suspended.detail.watchdog);
  }

  #onPanic(): void {
    if (!this.isStarted || this.isShutDown) return;
    this.move({ state: DomainState.crashed, reason: DomainReason.crashed.panicked });
    this.tell(Lifecycle.crashed.event, Lifecycle.crashed.detail.panicked);
    this.#listener.onPanic();
  }

  #onSleep(name: "pmsuspend" | "pmsuspendDisk", detail: number): void {
    if (!this.isStarted) return;
    const dom = this.#domain.reference;
    this.#listener.publish({ name, dom });
    if (this.#domain.status.state !== running) return;
    this.move({ state: DomainState.pmsuspended, reason: 0 });
    this.tell(Lifecycle.pmsuspended.event, detail);
  }

  #onWakeup(): void {
    if (!this.isStarted) return;
    this.#listener.publish({ name: "pmwakeup", dom: this.#domain.reference });
    if (this.#domain.status.state !== DomainState.pmsuspended) return;
    this.move({ state: running, reason: DomainReason.running.wakeup });
    this.tell(Lifecycle.started.event, Lifecycle.started.detail.wakeup);
  }
}
