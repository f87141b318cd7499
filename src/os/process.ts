import { readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Deferred } from "../event/deferred.ts";
import { StateError } from "../event/errors.ts";
import type { Handle } from "../event/scope.ts";
import * as libc from "./libc.ts";
import { SystemError } from "./system-error.ts";

/**
 * Which process is meant, for as long as this boot lasts: numbers are reused, but not together with the start time.
 * So it belongs under /run, which does not outlive the boot either.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process. */
  readonly startTime: number;
}

/** How a process ended: its exit code, or the signal that killed it. Neither is known when it was not our child. */
export interface ProcessExit {
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
}

/** Filled in when Node has reaped our child. */
export interface ChildStatus {
  readonly reaped: Deferred;
  exit: ProcessExit;
}

/** The identity of the process that has this number now; undefined when there is none. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const status = statusOf(pid);
  return status && { pid, startTime: status.startTime };
}

/** As proc(5) has it; undefined when no process has the number. */
function statusOf(pid: number): { readonly startTime: number; readonly flags: number } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The second field is the command in parentheses, in which anything may stand, parentheses included.
  const fromThird = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { startTime: Number(fromThird[22 - 3]), flags: Number(fromThird[9 - 3]) };
}

/**
 * Takes hold of a running process, our child or not. Undefined when there is none, or when the number is another's by
 * now. Throws SystemError (EMFILE; EINVAL for a number of a thread).
 */
export function openProcess(target: number | ProcessIdentity): Process | undefined {
  const pid = typeof target === "number" ? target : target.pid;
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return undefined;
  // In this order: if the number was reused before the descriptor was opened, the start time shows it.
  const identity = identifyProcess(pid);
  if (identity !== undefined && (typeof target === "number" || target.startTime === identity.startTime)) {
    return new Process(pidfd, identity);
  }
  libc.close(pidfd);
  return undefined;
}

/**
 * A process by its descriptor, which never means another one, whatever becomes of the number.
 *
 *     open -> closed
 *
 * signal: open; false when the process has ended. close: any -> closed; idempotent. The process itself goes on.
 */
export class Process implements Handle {
  readonly identity: ProcessIdentity;
  /** Undefined when it is not our child. */
  readonly child: ChildStatus | undefined;
  #pidfd: number | undefined;

  /** Takes over `pidfd`. */
  constructor(pidfd: number, identity: ProcessIdentity, child?: ChildStatus) {
    this.#pidfd = pidfd;
    this.identity = identity;
    this.child = child;
  }

  get pid(): number {
    return this.identity.pid;
  }

  /**
   * Whether it has ended, or is beyond return: no signal changes any more how it ends. The kernel says so before it closes
   * the process's descriptors, and tells its end after that: so whoever has seen these closed finds true here.
   */
  get isEnding(): boolean {
    const exiting = 0x4;
    const status = statusOf(this.pid);
    return status === undefined || status.startTime !== this.identity.startTime || (status.flags & exiting) !== 0;
  }

  /** Sends a signal to this very process. False when it has ended. Throws SystemError (EPERM). */
  signal(signal: NodeJS.Signals): boolean {
    const pidfdSendSignal = 424;
    if (libc.syscall(pidfdSendSignal, this.#open(), constants.signals[signal], 0, 0) === 0) return true;
    const errno = libc.errno();
    if (errno === libc.ESRCH) return false;
    throw new SystemError(errno, "pidfd_send_signal", `pid ${this.pid}`);
  }

  /** Another descriptor for the process, the caller's; readable when the process has ended. */
  duplicate(): number {
    return libc.duplicate(this.#open());
  }

  close(): void {
    if (this.#pidfd !== undefined) libc.close(this.#pidfd);
    this.#pidfd = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #open(): number {
    if (this.#pidfd === undefined)
      throw new StateError(`process ${this.pid} was closed: open it again by its identity`);
    return this.#pidfd;
  }
}

/** Undefined when there is no such process; the descriptor is close-on-exec. */
export function openPidfd(pid: number): number | undefined {
  const pidfdOpen = 434;
  const pidfd = libc.syscall(pidfdOpen, pid, 0, 0, 0);
  if (pidfd >= 0) return pidfd;
  const errno = libc.errno();
  if (errno === libc.ESRCH) return undefined;
  throw new SystemError(errno, "pidfd_open", `pid ${pid}`);
}
