/** What can serve xen:///system in dom0: libvirtd with its own driver, or our daemon. One after the other: each takes all guests for its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isSocketServed } from "../../../src/os/index.ts";
import { DaemonLife } from "../../integration/killed-daemon/daemon-life.ts";

const libvirtd = "/usr/sbin/libvirtd";
const module = "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_libxl.so";
/** Emulated, either takes its time to start. */
const startMs = 300_000;

/**
 * Debian's libvirtd, with its Xen driver and no other.
 *
 * start: spawns it and waits for its socket.
 * stop: ends it; guests run on.
 */
export class XenLibvirtd {
  readonly socket: string;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  /** `directory` does not exist yet. */
  constructor(directory: string) {
    this.#directory = directory;
    this.socket = join(directory, "libvirt-sock");
  }

  /** Why there can be none; undefined: there can. */
  static get obstacle(): string | undefined {
    const missing = [libvirtd, module].find((path) => !existsSync(path));
    return missing === undefined ? undefined : `${missing} is missing`;
  }

  async start(): Promise<void> {
    const directory = this.#directory;
    const drivers = join(directory, "drivers");
    mkdirSync(drivers, { recursive: true });
    symlinkSync(module, join(drivers, "libvirt_driver_libxl.so"));
    const settings = { unix_sock_dir: directory, auth_unix_rw: "none", auth_unix_ro: "none", log_outputs: "3:stderr" };
    const lines = Object.entries(settings).map(([key, value]) => `${key} = "${value}"\n`);
    writeFileSync(join(directory, "libvirtd.conf"), lines.join(""));
    const args = ["-f", join(directory, "libvirtd.conf"), "--pid-file", join(directory, "pid")];
    const env = { ...process.env, LC_ALL: "C", LIBVIRT_DRIVER_DIR: drivers };
    const child = spawn(libvirtd, args, { env, stdio: ["ignore", 2, 2] });
    this.#process = child;
    for (const end = Date.now() + startMs; !isSocketServed(this.socket); await sleep(100)) {
      if (child.exitCode === null && Date.now() < end) continue;
      await this.stop();
      throw new Error("libvirtd does not serve: its messages are above");
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

/** Our daemon with its Xen driver, in a process of its own; start and stop as above. */
export class OurXenDaemon {
  readonly socket: string;
  #life: DaemonLife | undefined;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.socket = join(directory, "sock");
  }

  async start(): Promise<void> {
    const script = fileURLToPath(new URL("../../integration/killed-xen-daemon/daemon-process.ts", import.meta.url));
    this.#life = new DaemonLife(this.socket, "xen:///system", undefined, script, startMs);
    if (!(await this.#life.serves())) throw new Error("our daemon does not serve");
  }

  async stop(): Promise<void> {
    await this.#life?.end();
  }
}
