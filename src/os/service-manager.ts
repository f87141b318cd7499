import { StateError } from "../event/errors.ts";
import * as libc from "./libc.ts";
import { sendDatagram, socketPath } from "./socket.ts";

/** The first descriptor that systemd hands over. */
const firstPassed = 3;

/**
 * The sockets on which systemd listens for this process (sd_listen_fds(3)), by their path: the caller's from here on. What
 * `env` says of them is taken out, for none of our children is meant. StateError when one of them is no Unix socket.
 */
export function takePassedSockets(env: NodeJS.ProcessEnv = process.env): Map<string, number> {
  const { LISTEN_PID: pid, LISTEN_FDS: count = "0" } = env;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  const sockets = new Map<string, number>();
  if (Number(pid) !== process.pid) return sockets;
  for (let fd = firstPassed; fd < firstPassed + Number(count); fd++) {
    const path = socketPath(fd);
    if (path === undefined) throw new StateError(`systemd hands over descriptor ${fd}, which is no Unix socket's`);
    libc.takeOver(fd);
    sockets.set(path, fd);
  }
  return sockets;
}

/** Tells systemd how this process is doing ("READY=1", sd_notify(3)), where it wants to know. Throws SystemError. */
export function tellServiceManager(state: string, env: NodeJS.ProcessEnv = process.env): void {
  const { NOTIFY_SOCKET: path = "" } = env;
  if (path !== "") sendDatagram(path, state);
}
