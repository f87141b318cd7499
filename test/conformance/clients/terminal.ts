import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** From util-linux: runs a command on a terminal of its own. */
export const terminalProgram = "/usr/bin/script";

/**
 * A program on a terminal, as a person would use it.
 *
 * close: ends it by its process id, when it has not ended by itself.
 */
export class Terminal implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** All that has stood on the screen, as it came. */
  output = "";

  constructor(words: readonly string[], env: NodeJS.ProcessEnv) {
    const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    const args = ["--quiet", "--flush", "--return", "--command", `exec ${command}`, "/dev/null"];
    this.#child = spawn(terminalProgram, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.#child.emit("text");
    });
    this.#child.on("close", () => this.#child.emit("text"));
    this.#child.stdin?.on("error", () => {});
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Until the screen shows it; `from` is how much of the output does not count. */
  async shows(pattern: RegExp, timeoutMs: number, from = 0): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    while (!pattern.test(this.output.slice(from))) {
      if (this.#isOver) assert.fail(`it has ended, and there is no ${pattern} in:\n${this.output}`);
      await once(this.#child, "text", { signal }).catch(() =>
        assert.fail(`no ${pattern} within ${timeoutMs} ms in:\n${this.output}`),
      );
    }
  }

  /** Its exit code. */
  async ended(timeoutMs: number): Promise<number | null> {
    if (!this.#isOver) await once(this.#child, "close", { signal: AbortSignal.timeout(timeoutMs) });
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "close");
  }

  get #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
