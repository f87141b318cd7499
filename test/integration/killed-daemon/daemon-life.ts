import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DaemonCounts, Saying } from "./daemon-process.ts";
import type { Moment } from "./sudden-end.ts";

/** How a process has ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const simulator = fileURLToPath(new URL("./daemon-process.ts", import.meta.url));
/** Longest that a start or an ordered end may take, on a machine with much else to do. */
const defaultPatienceMs = 30_000;

/** One process of the daemon, from its start to its end. */
export class DaemonLife implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly warnings: string[] = [];
  readonly ended: Promise<Ending>;
  /** Until it served, in ms. */
  startMs: number | undefined;
  readonly #begun = performance.now();
  #onReady: () => void = () => {};
  #onCounts: (counts: DaemonCounts) => void = () => {};
  readonly #over = new AbortController();
  readonly #patienceMs: number;

  /** `script` serves on `path`, and says so as daemon-process.ts does. */
  constructor(path: string, uri: string, moment?: Moment, script = simulator, patienceMs = defaultPatienceMs) {
    this.#patienceMs = patienceMs;
    const args = [script, path, uri, ...(moment === undefined ? [] : [JSON.stringify(moment)])];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const { stdout } = this.#child;
    if (stdout === null) throw new TypeError("there is no output");
    createInterface({ input: stdout }).on("line", (line) => this.#hear(JSON.parse(line) as Saying));
    this.ended = once(this.#child, "close").then(([code, signal]) => {
      this.#over.abort(new Error("the daemon has ended"));
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Aborted at its end. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** False when it has ended before it served. */
  async serves(): Promise<boolean> {
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    const late = AbortSignal.timeout(this.#patienceMs);
    const tooLate = once(late, "abort").then(() => Promise.reject(new Error("the daemon does not begin to serve")));
    if (this.startMs === undefined) await Promise.race([ready, this.ended, tooLate]);
    return this.startMs !== undefined;
  }

  /** What it holds now. Only daemons of served-driver.ts say that. */
  counts(): Promise<DaemonCounts> {
    const told = new Promise<DaemonCounts>((resolve) => {
      this.#onCounts = resolve;
    });
    this.#child.kill("SIGUSR2");
    const never = this.ended.then(() => Promise.reject(new Error("the daemon has ended and says no counts")));
    return Promise.race([told, never]);
  }

  /** As by kill -9. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async end(): Promise<Ending> {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.kill(), this.#patienceMs);
    return this.ended.finally(() => clearTimeout(late));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.over.aborted) this.kill();
    await this.ended;
  }

  #hear(saying: Saying): void {
    if ("warning" in saying) {
      this.warnings.push(saying.warning);
    } else if ("counts" in saying) {
      this.#onCounts(saying.counts);
    } else {
      this.startMs = performance.now() - this.#begun;
      this.#onReady();
    }
  }
}
