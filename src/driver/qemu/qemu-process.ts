import { DeadlineError, Deferred, type Loop, StateError, type Timeout } from "../../event/index.ts";
import type { ProcessExit, ProcessIdentity } from "../../os/index.ts";
import { Monitor, type MonitorEvent } from "../../qmp/index.ts";
import type { Connected, HeldProcess } from "./host.ts";

export interface QemuProcessListener {
  /** On the loop, in QEMU's order; none after onEnd. */
  onEvent(event: MonitorEvent): void;
  /** Once, before onEnd: the monitor is closed, by whomever. Not after `release`. */
  onMonitorClose(cause: Error): void;
  /** Once and last: the process has exited, and all it had to say has been heard. */
  onEnd(exit: ProcessExit): void;
}

/** How long a dead QEMU's monitor may stay open before it is closed here: another process may have inherited it. */
const drainMs = 1000;

/**
 * A QEMU process and the connection to its monitor: two ends of one thing, seen to end in either order.
 *
 *     alive -> ending -> ended
 *     alive, ending -> released        (it runs on, and nothing more is heard of it here)
 *
 * terminate: alive -> ending; SIGTERM, and SIGKILL after a while unless that is not wanted.
 * kill:      alive, ending -> ending; SIGKILL.
 * The monitor closes while the process lives: as terminate. The process exits while the monitor is open: what was sent
 * before is still read, and only then it has ended.
 */
export class QemuProcess {
  readonly monitor: Monitor;
  readonly #loop: Loop;
  readonly #process: HeldProcess;
  readonly #listener: QemuProcessListener;
  readonly #terminateMs: number;
  readonly #watch: { remove(): void };
  /** Settles at ended and at released. */
  readonly #ended = new Deferred();
  #state: "alive" | "ending" | "ended" | "released" = "alive";
  #silentSince: number | undefined;
  #exit: ProcessExit | undefined;
  /** Until SIGKILL, or until a dead QEMU's monitor is closed. */
  #timeout: Timeout | undefined;

  /** `terminateMs`: from SIGTERM to SIGKILL, while QEMU writes back what its disks have not yet. */
  constructor(loop: Loop, { process, transport }: Connected, listener: QemuProcessListener, terminateMs: number) {
    this.#loop = loop;
    this.#process = process;
    this.#listener = listener;
    this.#terminateMs = terminateMs;
    this.monitor = new Monitor(loop, transport, {
      onEvent: (event) => listener.onEvent(event),
      onClose: (cause) => this.#onMonitorClose(cause),
      onResponsive: (isResponsive) => {
        this.#silentSince = isResponsive ? undefined : loop.now();
      },
    });
    this.#watch = process.onExit((exit) => this.#onExit(exit));
  }

  get state(): "alive" | "ending" | "ended" | "released" {
    return this.#state;
  }

  /** For how long it has owed an answer whose deadline has passed; 0 while it answers. */
  get silenceMs(): number {
    return this.#silentSince === undefined ? 0 : this.#loop.now() - this.#silentSince;
  }

  get identity(): ProcessIdentity {
    return this.#process.identity;
  }

  /** Resolves after onEnd. Rejects with DeadlineError when that takes longer, StateError when it is released before. */
  endedWithin(timeoutMs: number): Promise<void> {
    const waited = new Deferred();
    const message = `QEMU (pid ${this.identity.pid}) has not ended within ${timeoutMs} ms`;
    const timeout = this.#loop.timeout(this.#loop.now() + timeoutMs, () => waited.reject(new DeadlineError(message)));
    this.#ended.whenSettled(() => {
      timeout.remove();
      if (this.#state === "released") waited.reject(new StateError("the driver was closed while QEMU was ending"));
      else waited.resolve();
    });
    return waited.promise;
  }

  /** Tells `report`, unless that is removed before, that nothing has been heard of a domain's QEMU for so long. */
  complainAfter(silenceMs: number, domain: string, report: (error: unknown) => void): { remove(): void } {
    const message = `QEMU (pid ${this.identity.pid}) of domain '${domain}' has not answered for ${silenceMs} ms; it is left alone`;
    return this.#loop.timeout(this.#loop.now() + silenceMs, () => report(new DeadlineError(message)));
  }

  terminate(options: { readonly gracefully?: boolean } = {}): void {
    if (!this.#isHeld()) return;
    this.#state = "ending";
    if (this.#exit !== undefined || !this.#process.signal("SIGTERM")) return;
    if (options.gracefully === true || this.#timeout !== undefined) return;
    this.#timeout = this.#loop.timeout(this.#loop.now() + this.#terminateMs, () => this.kill());
  }

  kill(): void {
    if (!this.#isHeld()) return;
    this.#state = "ending";
    if (this.#exit === undefined) this.#process.signal("SIGKILL");
  }

  /** Lets go of a process that is to run on. */
  release(): void {
    if (!this.#isHeld()) return;
    this.#state = "released";
    this.#letGo();
    this.monitor.close();
    this.#ended.resolve();
  }

  #onMonitorClose(cause: Error): void {
    if (this.#isHeld()) this.#listener.onMonitorClose(cause);
    if (this.#exit === undefined) this.terminate();
    else this.#end(this.#exit);
  }

  #onExit(exit: ProcessExit): void {
    this.#exit = exit;
    this.#timeout?.remove();
    if (this.monitor.state === "closed") return this.#end(exit);
    if (this.monitor.state === "idle") return this.monitor.close();
    const cause = new DeadlineError("the monitor stayed open after QEMU had exited");
    this.#timeout = this.#loop.timeout(this.#loop.now() + drainMs, () => this.monitor.close(cause));
  }

  #end(exit: ProcessExit): void {
    if (!this.#isHeld()) return;
    this.#state = "ended";
    this.#letGo();
    try {
      this.#listener.onEnd(exit);
    } finally {
      this.#ended.resolve();
    }
  }

  #letGo(): void {
    this.#timeout?.remove();
    this.#watch.remove();
    this.#process.close();
  }

  #isHeld(): boolean {
    return this.#state === "alive" || this.#state === "ending";
  }
}

/** A QEMU that could not be watched must not stay behind unseen. */
export function discard(connected: Connected | undefined): void {
  connected?.process.signal("SIGKILL");
  connected?.process.close();
  connected?.transport.close();
}
