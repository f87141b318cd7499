import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/**
 * What goes on beside libxl: a process that never rests, children of our own, and descriptors that are opened and closed
 * all the time, so that the numbers libxl gets are others' of a moment ago.
 */
export class Load {
  readonly #random: () => number;
  readonly #busy: ChildProcess;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #held: number[] = [];
  readonly #children = new Set<ChildProcess>();

  constructor(random: () => number) {
    this.#random = random;
    // Ends with us, even when we crash.
    const endless = ["--pdeathsig", "KILL", "nice", "-n", "5", "sh", "-c", "while :; do :; done"];
    this.#busy = spawn("setpriv", endless, { stdio: "ignore" });
    this.#timers.push(setInterval(() => this.#churn(), 5));
    this.#timers.push(setInterval(() => this.#fork(), 1_000));
  }

  /** Resolves when all of it is gone. */
  async end(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const fd of this.#held.splice(0)) closeSync(fd);
    const exits = [this.#busy, ...this.#children].map((child) => new Promise((resolve) => child.once("exit", resolve)));
    this.#busy.kill("SIGKILL");
    await Promise.all(exits);
  }

  #churn(): void {
    for (let opened = Math.floor(this.#random() * 4); opened > 0; opened--) this.#held.push(openSync("/dev/null", "r"));
    while (this.#held.length > Math.floor(this.#random() * 24)) {
      const [fd] = this.#held.splice(Math.floor(this.#random() * this.#held.length), 1);
      if (fd !== undefined) closeSync(fd);
    }
  }

  #fork(): void {
    const child = spawn("true", { stdio: "ignore" });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
  }
}
