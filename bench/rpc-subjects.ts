import { mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Teacher } from "../test/conformance/virsh/teacher.ts";
import { LineProgram } from "./native.ts";
import { nodeFlags } from "./node-flags.ts";

/** One of the two daemons that are compared. */
export interface Subject {
  readonly socket: string;
  /** Resolves when it takes connections. */
  start(): Promise<void>;
  stop(): Promise<void>;
  pid(): number;
}

export class Ours implements Subject {
  readonly socket: string;
  #program: LineProgram | undefined;

  constructor(directory: string) {
    this.socket = join(directory, "virtwright-sock");
  }

  async start(): Promise<void> {
    const main = fileURLToPath(new URL("./rpc-daemon.ts", import.meta.url));
    // As `npm start` does.
    this.#program = new LineProgram(process.execPath, [...nodeFlags, main, this.socket]);
    // As often as the other is asked.
    while (!(await answers(this.socket))) await sleep(20);
  }

  async stop(): Promise<void> {
    await this.#program?.close();
    this.#program = undefined;
  }

  pid(): number {
    return this.#program?.pid ?? -1;
  }

  /** The event loop's delays since the last time, in ms: the 99.9th percentile and the highest. */
  async delays(): Promise<number[]> {
    return (await this.#program?.round()) ?? [];
  }
}

/** A private libvirtd. */
export class Libvirtd implements Subject {
  readonly socket: string;
  readonly #directory: string;
  readonly #teacher: Teacher;

  constructor(directory: string) {
    mkdirSync(directory);
    this.#directory = directory;
    this.#teacher = new Teacher(directory);
    this.socket = this.#teacher.socket;
  }

  start(): Promise<void> {
    return this.#teacher.start();
  }

  stop(): Promise<void> {
    return this.#teacher.stop();
  }

  pid(): number {
    return Number(readFileSync(join(this.#directory, "pid"), "utf8"));
  }
}

/** Resident memory of a process, in MiB. */
export function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
