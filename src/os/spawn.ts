import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { Deferred } from "../event/deferred.ts";
import { type ChildStatus, identifyProcess, openPidfd, Process } from "./process.ts";
import { SystemError } from "./system-error.ts";
import { asUser, type UserIdentity } from "./user.ts";

/** A descriptor, which stays the caller's, or the path of a file (read from the start, or appended to). */
export type StdioTarget = number | string;

export interface SpawnOptions {
  /** Default: ours. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Each defaults to /dev/null. A log file is created with permissions 0o600. */
  readonly stdin?: StdioTarget;
  readonly stdout?: StdioTarget;
  readonly stderr?: StdioTarget;
  /** Descriptors that the program finds as 3, 4 and so on; they stay the caller's. */
  readonly fds?: readonly number[];
  /** As whom it runs; ours to change when we are root. What is opened here is opened as us. Default: as we do. */
  readonly user?: UserIdentity | undefined;
}

/**
 * Starts a program that outlives us: a session of its own, no terminal, no pipe to us, and nothing here waits for it.
 * Rejects with SystemError when it cannot be started. The result is the caller's to close.
 */
export async function spawnDetached(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Process> {
  const opened: number[] = [];
  const [program, words] = asUser(options.user, command, args);
  try {
    const child = start(program, words, options, opened);
    if (child.pid === undefined) throw await new Promise((resolve) => child.once("error", resolve));
    return hold(child, child.pid);
  } catch (error) {
    throw described(error, program, options);
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

function start(command: string, args: readonly string[], options: SpawnOptions, opened: number[]): ChildProcess {
  const open = (target: StdioTarget | undefined, flags: string): number | "ignore" => {
    if (typeof target !== "string") return target ?? "ignore";
    const fd = fs.openSync(target, flags, 0o600);
    opened.push(fd);
    return fd;
  };
  const child = spawn(command, args, {
    detached: true,
    stdio: [open(options.stdin, "r"), open(options.stdout, "a"), open(options.stderr, "a"), ...(options.fds ?? [])],
    env: options.env ?? process.env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  child.unref();
  return child;
}

/**
 * In the tick of the spawn: Node reaps children from its event loop only, so until then the number is the child's even
 * if that has ended already.
 */
function hold(child: ChildProcess, pid: number): Process {
  const status: ChildStatus = { reaped: new Deferred(), exit: {} };
  child.once("exit", (code, signal) => {
    status.exit = signal === null ? { code: code ?? 0 } : { signal };
    status.reaped.resolve();
  });
  try {
    const pidfd = openPidfd(pid);
    const identity = identifyProcess(pid);
    if (pidfd !== undefined && identity !== undefined) return new Process(pidfd, identity, status);
    throw new Error(`process ${pid} vanished before it could be held: is /proc mounted?`);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function described(error: unknown, command: string, { cwd }: SpawnOptions): unknown {
  if (!(error instanceof Error && "errno" in error && "syscall" in error)) return error;
  if (error instanceof SystemError || !String(error.syscall).startsWith("spawn")) return error;
  const isLost = cwd !== undefined && !fs.existsSync(cwd);
  return new SystemError(
    -Number(error.errno),
    "spawn",
    command,
    isLost ? `the directory ${cwd} is missing` : undefined,
  );
}
