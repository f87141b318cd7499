import { Deferred, type Loop, type Timeout } from "../../event/index.ts";
import type { ProcessExit } from "../../os/index.ts";
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
  readonly ended: Deferred;
  /** Once it has ended. */
  exit: ProcessExit | undefined;
  /** Nobody had told it to. */
  isEndingByItself: boolean;
}

/** From SIGTERM to SIGKILL. */
const terminateMs = 2_000;
/** How much later than its companion a QEMU that ends may be seen to. */
const togetherMs = 2_000;
/** How long one that is ending may take until it is known how it did. */
const statusMs = 2_000;

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

  /**
   * Once QEMU has ended: what a companion said that was ending before anybody told it to, and not well; it is waited for
   * until it is gone. Undefined when there is none: one that goes because QEMU has is content, and one that is told to go
   * may complain of that.
   */
  async complaint(): Promise<string | undefined> {
    this.#look();
    const deserters = this.#served.filter(({ isEndingByItself }) => isEndingByItself);
    if (deserters.length === 0) return undefined;
    const known = new Deferred();
    const timeout = this.#around.loop.timeout(this.#around.loop.now() + statusMs, () => known.resolve());
    for (const { ended } of deserters)
      ended.whenSettled(() => deserters.every(({ exit }) => exit !== undefined) && known.resolve());
    await known.promise;
    timeout.remove();
    const first = deserters.find(({ exit }) => exit !== undefined && exit.code !== 0);
    return first && complaintOf(first);
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
    this.#look();
    this.#state = "ending";
    this.#forgetTimeouts();
    const left = this.#served.filter(({ exit }) => exit === undefined);
    for (const { process } of left) process.signal("SIGTERM");
    if (this.#finishWhenGone()) return undefined;
    this.#later(terminateMs, () => {
      for (const { process, exit } of left) if (exit === undefined) process.signal("SIGKILL");
    });
    return this.#gone.promise;
  }

  release(): void {
    if (this.#state === "ending") return;
    this.#state = "released";
    this.#letGo();
  }

  #take(name: string, process: HeldProcess, lastWords: () => string): void {
    const watch = process.onExit((exit) => this.#onExit(served, exit));
    const ended = new Deferred();
    const served: Served = { name, process, watch, lastWords, ended, exit: undefined, isEndingByItself: false };
    this.#served.push(served);
  }

  /** Who is ending by itself: to be known before anybody is told to. */
  #look(): void {
    if (this.#state !== "open") return;
    for (const served of this.#served) served.isEndingByItself ||= served.process.isEnding;
  }

  #onExit(served: Served, exit: ProcessExit): void {
    served.exit = exit;
    served.isEndingByItself ||= this.#state === "open";
    served.ended.resolve();
    if (this.#state === "ending") this.#finishWhenGone();
    else
      this.#later(togetherMs, () =>
        this.#around.report(new Error(`${complaintOf(served)}; the guest runs on without it`)),
      );
  }

  #finishWhenGone(): boolean {
    if (this.#served.some(({ exit }) => exit === undefined)) return false;
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

function complaintOf({ name, lastWords }: Served): string {
  return `the process for '${name}' died unexpectedly: ${lastWords() || "it said nothing"}`;
}
