import { execFile } from "node:child_process";
import { asUser, type UserIdentity } from "./user.ts";

export interface ProgramOptions {
  /** When it is killed. */
  readonly timeoutMs: number;
  /** Kills it. */
  readonly signal?: AbortSignal | undefined;
  /** Its standard input; default: nothing. */
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** As whom it runs; ours to change when we are root. Default: as we do. */
  readonly user?: UserIdentity | undefined;
}

/** How a program ended, and what it said. */
export interface ProgramEnd {
  /** Absent when a signal ended it. */
  readonly code?: number | undefined;
  readonly signal?: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Most that a program may say, in bytes; more ends it. */
const longest = 4 * 1024 * 1024;

/**
 * Runs a program to its end; no shell comes near its arguments. Rejects with Node's error when it cannot be started
 * (ENOENT, EACCES), and with the signal's reason.
 */
export function runProgram(path: string, args: readonly string[], options: ProgramOptions): Promise<ProgramEnd> {
  const { timeoutMs, signal, input = "", env = {}, user } = options;
  const [program, words] = asUser(user, path, args);
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const settings = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: longest, cwd: "/", env, signal } as const;
    const child = execFile(program, words, settings, (error, stdout, stderr) => {
      if (signal?.aborted === true) return reject(signal.reason);
      if (error === null) return resolve({ code: 0, stdout, stderr });
      if (typeof error.code === "number") return resolve({ code: error.code, stdout, stderr });
      if (error.signal !== undefined && error.signal !== null) return resolve({ signal: error.signal, stdout, stderr });
      return reject(error);
    });
    // Who reads nothing may be gone before all is written: how it ended says what is wrong.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
