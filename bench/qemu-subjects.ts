import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isSocketServed } from "../src/os/index.ts";
import { PrivateLibvirtd } from "../test/conformance/qemu/private-libvirtd.ts";
import { nodeFlags } from "./node-flags.ts";

/** One of the two daemons that have QEMU guests. */
export interface QemuSubject {
  /** Of its `qemu:///system`, as libvirt's clients take it. */
  readonly uri: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Processor time that the daemon itself has used, in ms. */
  processorMs(): number;
}

/** `virtwright start`, as a user has it. */
export class OurQemu implements QemuSubject {
  readonly uri: string;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.uri = uriOf(join(directory, "virtwright-sock"));
  }

  async start(): Promise<void> {
    const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
    const args = [...nodeFlags, main, "start", "--directory", this.#directory];
    this.#process = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    for (let rounds = 0; !isSocketServed(join(this.#directory, "virtwright-sock")); rounds++) {
      if (rounds === 1000) throw new Error("our daemon has not opened its socket within 20 s");
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    const ended = once(process, "exit");
    process.kill("SIGTERM");
    await ended;
  }

  processorMs(): number {
    return processorMs(this.#process?.pid ?? 0);
  }
}

/** A libvirtd with mounts and process ids of its own, whose first process reaps what it leaves behind. */
export class TheirQemu implements QemuSubject {
  readonly uri: string;
  readonly #directory: string;
  readonly #libvirtd: PrivateLibvirtd;

  constructor(directory: string) {
    this.#directory = directory;
    this.#libvirtd = new PrivateLibvirtd(directory);
    this.uri = uriOf(this.#libvirtd.socket);
  }

  start(): Promise<void> {
    return this.#libvirtd.start();
  }

  stop(): Promise<void> {
    return this.#libvirtd.stop();
  }

  /** Its pid file has the number that it has among its own. */
  processorMs(): number {
    const pattern = `^/usr/sbin/libvirtd -f ${this.#directory}/`;
    return processorMs(Number(execFileSync("pgrep", ["-f", pattern], { encoding: "utf8" }).split("\n")[0]));
  }
}

function uriOf(socket: string): string {
  return `qemu+unix:///system?socket=${encodeURIComponent(socket)}`;
}

/** A tick of the kernel's clock is 10 ms. */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) * 10;
}
