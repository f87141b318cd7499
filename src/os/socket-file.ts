import * as fs from "node:fs";
import { dirname } from "node:path";
import { StateError } from "../event/errors.ts";
import { groupId } from "./group.ts";
import * as libc from "./libc.ts";
import { bindSocket, connectSocket, startListening } from "./socket.ts";
import { SystemError } from "./system-error.ts";

export interface SocketFileOptions {
  /** Permissions of the file: who may connect. Default 0o600. */
  readonly mode?: number;
  /** The file's group, by name or number. */
  readonly group?: string | number;
  /** How many connections may wait to be accepted. Default 128. */
  readonly backlog?: number;
  /** For another program, which waits in its calls: to us a descriptor never blocks. */
  readonly isBlocking?: boolean;
}

/** A socket in the file system. While it listens and is not removed, its file is the one at `path`. */
export interface SocketFile {
  readonly fd: number;
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/**
 * Creates the socket and listens. A file left over by a daemon that died is replaced; StateError when a live one serves
 * it, when it is something else than a socket, or while another process is opening a socket in the same directory.
 *
 * The order: the directory is locked, so that of two daemons that find the same leftover only one replaces it; and
 * nobody can connect before the permissions are set, because listening comes last.
 */
export function createSocketFile(path: string, options: SocketFileOptions = {}): SocketFile {
  const directory = lockDirectory(dirname(path));
  try {
    removeLeftover(path);
    const fd = bindSocket(path);
    try {
      fs.chmodSync(path, options.mode ?? 0o600);
      if (options.group !== undefined) fs.chownSync(path, -1, groupId(options.group));
      if (options.isBlocking === true) libc.makeBlocking(fd);
      startListening(fd, options.backlog ?? 128, path);
      const { dev: device, ino: inode } = fs.lstatSync(path);
      return { fd, path, device, inode };
    } catch (error) {
      libc.close(fd);
      fs.rmSync(path, { force: true });
      throw error;
    }
  } finally {
    fs.closeSync(directory);
  }
}

/** Somebody else's socket, on which we listen too: its file is never ours to remove. */
export function passedSocketFile(fd: number, path: string): SocketFile {
  return { fd, path, device: -1, inode: -1 };
}

/**
 * Removes the file if it is still this socket's. To be called before the descriptor is closed: as long as somebody
 * listens, no other daemon takes the path over between the look and the removal.
 */
export function removeSocketFile(file: SocketFile): void {
  const found = fs.lstatSync(file.path, { throwIfNoEntry: false });
  if (found?.dev === file.device && found.ino === file.inode) fs.rmSync(file.path, { force: true });
}

/** Closing the descriptor unlocks. */
function lockDirectory(path: string): number {
  const exclusiveDontWait = 2 | 4;
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  if (libc.flock(fd, exclusiveDontWait) === 0) return fd;
  fs.closeSync(fd);
  throw new StateError(`another process is opening a socket in ${path} at this moment: try again`);
}

/** Makes room for a socket at `path`. Throws StateError where somebody serves it, or where something else than a socket is. */
export function removeLeftover(path: string): void {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new StateError(`${path} is not a socket: remove it, or choose another path`);
  if (isSocketServed(path)) throw new StateError(`${path} is already served: stop that daemon, or choose another path`);
  fs.rmSync(path, { force: true });
}

/** Whether a live process listens there: every answer but "nobody" comes from one. RangeError when no socket can be there. */
export function isSocketServed(path: string): boolean {
  try {
    libc.close(connectSocket(path));
    return true;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return ![libc.ECONNREFUSED, libc.ENOENT].includes(error.errno);
  }
}
