import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Connection } from "../../src/open/index.ts";
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

  /** A line for bash, where "$@" is the command with `args`. */
  shell(line: string, args: readonly string[], uri = this.uri): Promise<Answer> {
    return answerOf(["-c", line, "bash", process.execPath, main, "-c", uri, ...args], this.directory);
  }

  /** The URI by a program that goes between, after what sh does first. What is ignored by whom started it stays so. */
  through(before: string): string {
    const path = join(this.directory, `bridge-${before.length}`);
    writeFileSync(path, `#!/bin/sh\n${before}\nexec /usr/bin/python3 -c '${bridge}' "${this.socket}"\n`, {
      mode: 0o755,
    });
    return `test+ext:///default?command=${path}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

/** Copies both ways, until one side has ended. */
const bridge = `
import os, select, socket, sys
there = socket.socket(socket.AF_UNIX)
there.connect(sys.argv[1])
ways = {0: there.fileno(), there.fileno(): 1}
while True:
    for source in select.select(list(ways), [], [])[0]:
        part = os.read(source, 65536)
        if not part: sys.exit(0)
        while part: part = part[os.write(ways[source], part):]
`;

/** Something happens to the domain `test` again and again, until this has settled. */
export async function stirUntil<T>(connection: Connection, over: Promise<T>): Promise<T> {
  let isOver = false;
  const settled = over.finally(() => (isOver = true));
  const domain = await connection.domain("test");
  while (!isOver) {
    await domain.suspend();
    await domain.resume();
    await setTimeout(20);
  }
  return settled;
}

async function answerOf(args: readonly string[], cwd: string): Promise<Answer> {
  const child = spawn("/bin/bash", args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
  let [out, error] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (error += text));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, out, error };
}
