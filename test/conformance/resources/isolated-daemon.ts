import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const namespaces = ["--net", "--mount"];
/** What shows network devices shows those of the namespace in which it was mounted. */
const beginning = "mount -t sysfs sysfs /sys && ip link set lo up";

/**
 * Our daemon with network devices and rules of its own.
 *
 * start: spawns it and waits until it serves.
 * stop:  tells it to end, and waits. What it has running ends with its network: nobody else is in it.
 */
export class IsolatedDaemon {
  readonly socket: string;
  /** What it has complained of. */
  complaints = "";
  readonly #directory: string;
  #process: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.socket = join(directory, "sock");
  }

  /** Why there can be none here; undefined: there can. */
  static get obstacle(): string | undefined {
    const trial = `${beginning} && ip link add name trial type bridge && ip tuntap add dev trialtap mode tap`;
    const { status, stderr } = spawnSync("unshare", [...namespaces, "sh", "-c", trial], { encoding: "utf8" });
    return status === 0 ? undefined : `no bridges in a network namespace here: ${stderr.trim()}`;
  }

  async start(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true });
    const program = new URL("our-process.ts", import.meta.url).pathname;
    const command = `${beginning} && exec "$0" "$@"`;
    const args = [...namespaces, "sh", "-c", command, process.execPath, program, this.#directory];
    const child = spawn("unshare", args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#process = child;
    child.stderr.on("data", (text: Buffer) => {
      this.complaints += text;
    });
    const [first] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as unknown[];
    if (String(first) !== "ready\n") throw new Error(`our daemon does not serve: ${this.complaints}`);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.stdin?.end();
    await once(child, "exit");
  }
}
