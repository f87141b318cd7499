import { Ready } from "../event/host.ts";
import type { Loop } from "../event/loop.ts";
import type { Watch } from "../event/watch.ts";
import * as libc from "./libc.ts";
import { openProcess, Process, type ProcessExit, type ProcessIdentity } from "./process.ts";
import { SystemError } from "./system-error.ts";

/**
 * Calls `onExit` once, on the loop, when the process has ended, be it our child or not; never after `remove()` of the
 * watch returned. It may be async. Throws SystemError with ESRCH when there is no such process any more.
 *
 * A `Process` stays the caller's and may be closed before the watch is removed.
 */
export function watchProcess(
  loop: Loop,
  target: Process | number | ProcessIdentity,
  onExit: (exit: ProcessExit) => unknown,
): Watch {
  const { fd, process } = descriptorOf(target);
  const { child } = process;
  const onReadable = (_: number, watch: Watch): unknown => {
    if (child?.reaped.state === "pending") {
      // Node will reap it and learn how it ended; then the descriptor, readable for good, leads here again.
      watch.modify(Ready.none);
      child.reaped.whenSettled(() => watch.modify(Ready.readable));
      return undefined;
    }
    watch.remove();
    return onExit(child?.exit ?? {});
  };
  try {
    return loop.watch(fd, Ready.readable, onReadable, {
      name: `process ${process.pid}`,
      release: () => libc.close(fd),
    });
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function descriptorOf(target: Process | number | ProcessIdentity): { fd: number; process: Process } {
  if (target instanceof Process) return { fd: target.duplicate(), process: target };
  const process = openProcess(target);
  if (process === undefined) {
    const pid = typeof target === "number" ? target : target.pid;
    throw new SystemError(libc.ESRCH, "pidfd_open", `pid ${pid}`);
  }
  try {
    return { fd: process.duplicate(), process };
  } finally {
    process.close();
  }
}
