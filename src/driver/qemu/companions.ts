import { Deferred, type Loop, type Timeout } from "../../event/index.ts";
import type { CompanionLaunch, HeldProcess, QemuHost } from "./host.ts";
import type { CompanionRecord } from "./run-record.ts";

export interface CompanionSurroundings {
  readonly loop: Loop;
  readonly host: Pick<QemuHost, "launchCompanion" | "findCompanion">;
  /** Hears of those that end before their QEMU, and that cannot be found again. */
  readonly report: (error: unknown) => void;
}

interface Served {
  readonly name: string;
  readonly process: HeldProcess;
  readonly watch: { remove(): void };
  readonly lastWords: () => string;
  hasEnded: boolean;
}

/** From SIGTERM to SIGKILL. */
const terminateMs = 2_000;
/** How much later than its companion a QEMU that ends may be seen to. */
const togetherMs = 2_000;

/**
 * The processes that serve the QEMU of one run. They are written down before they exist, and end with the run.
 *
 *     open -> ending -> ended
 *     open -> released            (they serve on)
 *
 * start:   open; before QEMU is launched; when it rejects `end` ends those that there are.
 * adopt:   open; takes up those of the daemon before.
 * end:     open -> ending; when QEMU is gone.
 * release: any.
 */
export class Companions {
  readonly #around: CompanionSurroundings;
  readonly #served: Served[] = [];
  readonly #gone = new Deferred();
  readonly #timeouts = new Set<Timeout>();
  #records: readonly CompanionRecord[] = [];
  #state: "open" | "ending" | "ended" | "released" = "open";

  constructor(around: CompanionSurroundings) {
    this.#around = around;
  }

  /** Undefined when there are none. */
  get records(): readonly CompanionRecord[] | undefined {
    return this.#records.length === 0 ? undefined : this.#records;
  }

  /** What one that has ended had to say; undefined while all serve. */
  get complaint(): string | undefined {
    const ended = this.#served.find(({ hasEnded }) => hasEnded);
    return ended && `the process for '${ended.name}' died unexpectedly: ${ended.lastWords() || "it said nothing"}`;
  }

  /** `onChange`: the records are others now. Rejects with SystemError, and as it. */
  async start(launches: readonly CompanionLaunch[], onChange: () => void): Promise<void> {
    if (launches.length === 0) return;
    this.#records = launches.map(({ name, socket }) => ({ name, socket }));
    onChange();
    for (const launch of launches) {
      const launched = await this.#around.host.launchCompanion(launch);
      const { process } = launched;
      this.#take(launch.name, process, () => launched.lastWords());
      this.#records = this.#records.map((each) =>
        each.socket === launch.socket ? { ...each, process: process.identity } : each,
      );
      onChange();
    }
  }

  adopt(records: readonly CompanionRecord[]): void {
    this.#records = records;
    for (const { name, socket, process: identity } of records) {
      try {
        const process = this.#around.host.findCompanion(identity, socket);
        if (process !== undefined) this.#take(name, process, () => "");
      } catch (error) {
        this.#around.report(error);
      }
    }
  }

  /** Resolves when all are gone; undefined: they are. */
  end(): Promise<void> | undefined {
    if (this.#state !== "open") return this.#state === "ending" ? this.#gone.promise : undefined;
    this.#state = "ending";
    this.#forgetTimeouts();
    const left = this.#served.filter(({ hasEnded }) => !hasEnded);
    for (const { process } of left) process.signal("SIGTERM");
    if (this.#finishWhenGone()) return undefined;
    this.#later(terminateMs, () => {
      for (const { process, hasEnded } of left) if (!hasEnded) process.signal("SIGKILL");
    });
    return this.#gone.promise;
  }

  release(): void {
    if (this.#state === "ending") return;
    this.#state = "released";
    this.#letGo();
  }

  #take(name: string, process: HeldProcess, lastWords: () => string): void {
    const watch = process.onExit(() => this.#onExit(served));
    const served: Served = { name, process, watch, lastWords, hasEnded: false };
    this.#served.push(served);
  }

  #onExit(served: Served): void {
    served.hasEnded = true;
    if (this.#state === "ending") this.#finishWhenGone();
    else
      this.#later(togetherMs, () => this.#around.report(new Error(`${this.complaint}; the guest runs on without it`)));
  }

  #finishWhenGone(): boolean {
    if (this.#served.some(({ hasEnded }) => !hasEnded)) return false;
    this.#state = "ended";
    this.#letGo();
    this.#gone.resolve();
    return true;
  }

  #later(afterMs: number, act: () => void): void {
    const timeout = this.#around.loop.timeout(this.#around.loop.now() + afterMs, () => {
      this.#timeouts.delete(timeout);
      act();
    });
    this.#timeouts.add(timeout);
  }

  #forgetTimeouts(): void {
    for (const timeout of this.#timeouts) timeout.remove();
    this.#timeouts.clear();
  }

  #letGo(): void {
    this.#forgetTimeouts();
    for (const { watch, process } of this.#served) {
      watch.remove();
      process.close();
    }
  }
}
