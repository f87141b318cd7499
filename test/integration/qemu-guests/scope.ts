import type { ChildProcess } from "node:child_process";

/** Ends what a test has started, in the reverse order. */
export class Scope {
  readonly #endings: (() => void)[] = [];

  add(end: () => void): void {
    this.#endings.push(end);
  }

  endProcess(process: ChildProcess): void {
    this.add(() => {
      if (process.exitCode === null && process.signalCode === null) process.kill("SIGKILL");
    });
  }

  close(): void {
    for (const end of this.#endings.splice(0).reverse()) end();
  }
}
