import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { openLoop } from "../../src/os/index.ts";

export const main = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Answer {
  readonly status: number | null;
  readonly out: string;
  readonly error: string;
}

/** The simulator behind a socket, in a directory of its own, for commands that are processes. */
export class ServedSimulator implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "vw-served-"));
  readonly socket = join(this.directory, "sock");
  readonly uri = `test+unix:///default?socket=${this.socket}`;
  readonly #parts = new AsyncDisposableStack();

  constructor() {
    this.#parts.defer(() => rmSync(this.directory, { recursive: true, force: true }));
    const loop = this.#parts.use(openLoop());
    const driver = this.#parts.use(new TestDriver(loop));
    const daemon = this.#parts.use(new Daemon(loop, { drivers: [driver] }));
    daemon.listen({ path: this.socket });
  }

  /** The command, as a process of its own. */
  run(...args: readonly string[]): Promise<Answer> {
    return this.shell(`"$@"`, args);
  }

  /** A line for sh, where "$@" is the command with `args`. */
  shell(line: string, args: readonly string[]): Promise<Answer> {
    return answerOf(["-c", line, "sh", process.execPath, main, "-c", this.uri, ...args], this.directory);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

async function answerOf(args: readonly string[], cwd: string): Promise<Answer> {
  const child = spawn("/bin/bash", args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
  let [out, error] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (error += text));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, out, error };
}
