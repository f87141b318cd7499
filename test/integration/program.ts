import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A program whose output is read line by line, with a deadline for each thing that is awaited. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Both outputs, as they came. */
  output = "";
  /** Standard output alone. */
  stdout = "";

  /** `input`: whether it is to be written to. */
  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env, input = false) {
    this.#child = spawn(command, args, { env, stdio: [input ? "pipe" : "ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        if (stream === this.#child.stdout) this.stdout += text;
        this.#child.emit("text");
      });
    }
  }

  async has(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      await once(this.#child, "text", { signal }).catch(() => assert.fail(`no ${pattern} in:\n${this.output}`));
    }
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Nobody reads on: the next line it prints fails. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit code; null when a signal ended it. With all it has printed, once that has come. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const [code] = (await once(this.#child, "close", { signal: AbortSignal.timeout(30_000) })) as [number | null];
    return code;
  }

  end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = this.ended();
    this.signal(signal);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
