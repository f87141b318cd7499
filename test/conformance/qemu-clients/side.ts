import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Loop } from "../../../src/event/index.ts";
import { Proxy } from "../clients/proxy.ts";
import { Terminal } from "../clients/terminal.ts";

export interface Done {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Clients before one daemon's qemu:///system, all of them through a proxy that writes down what they say. */
export class Side {
  readonly uri: string;
  readonly proxy: Proxy;
  /** Where its clients keep their files, and are run. */
  readonly directory: string;
  readonly env: Record<string, string>;

  /** `upstream` is the daemon's socket. */
  constructor(loop: Loop, directory: string, upstream: string) {
    mkdirSync(directory, { recursive: true });
    const socket = `${directory}-proxy`;
    this.directory = directory;
    this.uri = `qemu+unix:///system?socket=${socket}`;
    this.proxy = new Proxy(loop, socket, upstream);
    const home = { HOME: directory, XDG_RUNTIME_DIR: directory };
    this.env = { LC_ALL: "C.UTF-8", PATH: "/usr/bin:/bin", TERM: "dumb", ...home };
  }

  /** Runs a client to its end; its `--connect` is added. */
  run(program: string, ...args: readonly string[]): Promise<Done> {
    const options = { cwd: this.directory, timeout: 60_000, env: this.env };
    return new Promise((resolve) => {
      const child = execFile(program, ["--connect", this.uri, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? error?.signal ?? 0, stdout: this.#clean(stdout), stderr: this.#clean(stderr) }),
      );
      child.stdin?.end();
    });
  }

  virsh(...args: readonly string[]): Promise<Done> {
    return this.run("/usr/bin/virsh", ...args);
  }

  console(domain: string): Terminal {
    return new Terminal(["/usr/bin/virsh", "--connect", this.uri, "console", domain], this.env);
  }

  /** Until `virsh domstate` says so; it says what it is at last. */
  async becomes(domain: string, state: string, timeoutMs: number): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const now = (await this.virsh("domstate", domain)).stdout.trim();
      if (now === state || performance.now() > deadline) return now;
      await sleep(200);
    }
  }

  /** What clients were refused since that many calls, each kind once, with the refusal's number. */
  errorsSince(count: number): string[] {
    const lines = this.proxy.calls
      .slice(count)
      .flatMap(({ name, outcome }) =>
        outcome !== undefined && "error" in outcome ? [`${name}: ${outcome.error.code} ${outcome.error.message}`] : [],
      );
    return [...new Set(lines.map((line) => this.#clean(line)))].sort();
  }

  async close(): Promise<void> {
    await this.proxy.close();
  }

  /** Places, and how far a meter has come in what time. */
  #clean(text: string): string {
    return text.replaceAll(this.directory, "PLACE").replace(/ +\|.*$/gm, "");
  }
}
