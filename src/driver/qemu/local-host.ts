import {
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { type Loop, StateError, type Transport, type TransportListener } from "../../event/index.ts";
import {
  connectUnix,
  createSocketFile,
  openProcess,
  type Process,
  type ProcessIdentity,
  SystemError,
  spawnDetached,
  type UnixTransport,
  watchProcess,
} from "../../os/index.ts";
import type { CompanionLaunch, Connected, HeldProcess, LaunchedCompanion, LaunchPlan, QemuHost } from "./host.ts";

/** Most that is read back of a log, in bytes. */
const tailLimit = 4096;
/** In the environment of a QEMU or a companion, with the path of its socket: by this it is known again when nobody has noted its pid. */
const mark = "VIRTWRIGHT_MONITOR";

/** QEMU on this machine. */
export class LocalHost implements QemuHost {
  readonly #loop: Loop;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /**
   * The socket listens, and we are connected, before QEMU exists: the connection waits in the socket's queue. So there
   * is no moment to wait for, and when QEMU dies early the socket dies with it and the connection ends.
   */
  async launch(plan: LaunchPlan): Promise<Connected> {
    const logStart = beginLog(plan);
    const socket = createSocketFile(plan.monitorPath, { mode: 0o600 });
    let transport: UnixTransport | undefined;
    try {
      transport = connectUnix(this.#loop, plan.monitorPath);
      const environment = { ...plan.environment, [mark]: plan.monitorPath };
      const process = await start(plan, environment, [socket.fd, ...(plan.fds ?? [])]);
      const lastWords = (): string => tailOf(plan.logPath, logStart);
      return { process: this.#hold(process), transport, lastWords };
    } catch (error) {
      transport?.close();
      throw error;
    } finally {
      closeSync(socket.fd);
    }
  }

  async launchCompanion(plan: CompanionLaunch): Promise<LaunchedCompanion> {
    const logStart = beginLog(plan);
    const socket = createSocketFile(plan.socket, { mode: 0o600, isBlocking: true });
    try {
      if (plan.client !== undefined) chownSync(plan.socket, plan.client.uid, plan.client.gid);
      const process = await start(plan, { [mark]: plan.socket }, [socket.fd]);
      return { process: this.#hold(process), lastWords: () => tailOf(plan.logPath, logStart) };
    } finally {
      closeSync(socket.fd);
    }
  }

  findCompanion(identity: ProcessIdentity | undefined, socket: string): HeldProcess | undefined {
    const process = identity === undefined ? findMarked(socket) : openProcess(identity);
    return process && this.#hold(process);
  }

  find(identity: ProcessIdentity | undefined, monitorPath: string): Connected | undefined {
    const process = identity === undefined ? findMarked(monitorPath) : openProcess(identity);
    if (process === undefined) return undefined;
    try {
      return { process: this.#hold(process), transport: this.#reach(monitorPath), lastWords: () => "" };
    } catch (error) {
      process.close();
      throw error;
    }
  }

  connect(path: string): Transport {
    return connectUnix(this.#loop, path);
  }

  /** Only what says that nobody serves the monitor counts as that: a guest must not pay for a shortage of ours. */
  #reach(monitorPath: string): Transport {
    try {
      return connectUnix(this.#loop, monitorPath);
    } catch (error) {
      if (!(error instanceof SystemError) || !["ENOENT", "ECONNREFUSED"].includes(error.code)) throw error;
      return new BrokenTransport(this.#loop);
    }
  }

  #hold(process: Process): HeldProcess {
    return {
      identity: process.identity,
      get isEnding() {
        return process.isEnding;
      },
      signal: (signal) => process.signal(signal),
      onExit: (listener) => watchProcess(this.#loop, process, listener),
      close: () => process.close(),
    };
  }
}

/** Stands for a monitor that nobody serves: it closes when it is opened. */
class BrokenTransport implements Transport {
  readonly backlog = 0;
  readonly #loop: Loop;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  open(listener: TransportListener): void {
    this.#loop.post(() => listener.onClose(new StateError("nobody serves the monitor any more")));
  }

  send(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
}

type Startable = Pick<LaunchPlan, "binary" | "args" | "logPath" | "user">;

function start(
  { binary, args, logPath, user }: Startable,
  environment: Readonly<Record<string, string>>,
  fds: readonly number[],
): Promise<Process> {
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const env = { LC_ALL: "C", PATH: path, ...environment };
  return spawnDetached(binary, args, { cwd: "/", env, stdout: logPath, stderr: logPath, fds, user });
}

/** The process that was launched for this socket. */
function findMarked(monitorPath: string): Process | undefined {
  for (const pid of readdirSync("/proc").map(Number)) {
    if (!isMarked(pid, monitorPath)) continue;
    const process = openProcess(pid);
    // Again, now that it is held: the number may be another's by now.
    if (isMarked(pid, monitorPath)) return process;
    process?.close();
  }
  return undefined;
}

function isMarked(pid: number, monitorPath: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${mark}=${monitorPath}`);
  } catch {
    // Not a process, gone, or somebody else's.
    return false;
  }
}

/** Writes down what is started. Returns where QEMU's own words will begin. */
function beginLog({ binary, args, logPath }: Startable): number {
  const words = [binary, ...args].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)));
  const fd = openSync(logPath, "a", 0o600);
  try {
    writeSync(fd, `${new Date().toISOString()} starting up: ${words.join(" ")}\n`);
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

/** What the file holds from `start` on, the end of it; nothing when it is not there any more. */
function tailOf(path: string, start: number): string {
  if (!existsSync(path)) return "";
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(start, size - tailLimit);
    const bytes = Buffer.alloc(Math.max(0, size - from));
    readSync(fd, bytes, 0, bytes.length, from);
    return bytes.toString().trim();
  } finally {
    closeSync(fd);
  }
}
