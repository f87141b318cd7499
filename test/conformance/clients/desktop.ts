import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";

const xvfb = "/usr/bin/Xvfb";
const bus = "/usr/bin/dbus-daemon";

/** What has to be installed. */
export const desktopPrograms: readonly string[] = [xvfb, bus];

/**
 * A screen that nobody sees and a session bus, for clients with windows. The bus starts no service of the system, and
 * what clients remember stays below `directory`.
 *
 *     new -> open -> closed
 *
 * close: any -> closed; ends by their process ids what was started here.
 */
export class Desktop {
  readonly #directory: string;
  readonly #running = new Set<ChildProcess>();
  #environment: Record<string, string> = {};

  constructor(directory: string) {
    this.#directory = directory;
  }

  async open(): Promise<void> {
    const directory = this.#directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const configuration = join(directory, "bus.conf");
    writeFileSync(configuration, busConfiguration(directory));
    const screen = this.#spawn(xvfb, ["-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], {});
    const session = this.#spawn(bus, [`--config-file=${configuration}`, "--nofork", "--print-address=3"], {});
    const [display, address] = await Promise.all([firstLine(screen), firstLine(session)]);
    this.#environment = {
      PATH: "/usr/bin:/bin",
      LC_ALL: "C.UTF-8",
      HOME: directory,
      XDG_RUNTIME_DIR: directory,
      DISPLAY: `:${display}`,
      DBUS_SESSION_BUS_ADDRESS: address,
      GSETTINGS_BACKEND: "memory",
      GIO_USE_VFS: "local",
      NO_AT_BRIDGE: "1",
    };
  }

  /** Starts a client; it may run until the desktop closes. */
  start(program: string, args: readonly string[]): ChildProcess {
    return this.#spawn(program, args, this.#environment);
  }

  async close(): Promise<void> {
    // The last one started first: clients go before their screen.
    for (const process of [...this.#running].reverse()) await end(process);
  }

  #spawn(program: string, args: readonly string[], env: Record<string, string>): ChildProcess {
    const process = spawn(program, args, { env, stdio: ["ignore", "ignore", "ignore", "pipe"], cwd: this.#directory });
    this.#running.add(process);
    process.on("exit", () => this.#running.delete(process));
    return process;
  }
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exit = once(process, "exit");
  process.kill("SIGTERM");
  const timer = setTimeout(() => process.kill("SIGKILL"), 2_000);
  await exit;
  clearTimeout(timer);
}

/** Of the pipe that it has beside the usual ones. */
async function firstLine(process: ChildProcess): Promise<string> {
  const pipe = process.stdio[3] as Readable;
  let text = "";
  for await (const chunk of pipe) {
    text += String(chunk);
    const [line, rest] = text.split("\n", 2);
    if (line !== undefined && rest !== undefined) return line.trim();
  }
  throw new Error(`${process.spawnfile} ended with ${process.exitCode ?? process.signalCode} and said "${text}"`);
}

function busConfiguration(directory: string): string {
  return `<busconfig>
  <type>session</type>
  <listen>unix:dir=${directory}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;
}
