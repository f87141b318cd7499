import * as fs from "node:fs";
import { StateError } from "../event/errors.ts";
import * as libc from "./libc.ts";

/**
 * A file with this process's number, which no other process can have open as one at the same time: the lock goes with the
 * process, however that ends, and a file left behind is taken over.
 *
 *     held -> released
 *
 * release: held -> released; idempotent. The file goes before the lock does.
 */
export class PidFile implements Disposable {
  readonly path: string;
  #fd: number | undefined;

  /** Throws StateError when a live process holds it. */
  constructor(path: string) {
    this.path = path;
    this.#fd = lock(path);
    fs.ftruncateSync(this.#fd);
    fs.writeSync(this.#fd, `${process.pid}\n`, 0);
  }

  release(): void {
    if (this.#fd === undefined) return;
    fs.rmSync(this.path, { force: true });
    fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** The open and locked file that is at `path`. */
function lock(path: string): number {
  const exclusiveDontWait = 2 | 4;
  for (let tries = 0; tries < 100; tries++) {
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW, 0o644);
    if (libc.flock(fd, exclusiveDontWait) !== 0) {
      const holder = fs.readFileSync(fd, "utf8").trim();
      fs.closeSync(fd);
      throw new StateError(`process ${holder || "unknown"} holds ${path}: stop that daemon first`);
    }
    // Between opening and locking the one before may have removed it: then this is a file that nobody else sees.
    const ours = fs.fstatSync(fd);
    const found = fs.lstatSync(path, { throwIfNoEntry: false });
    if (found?.dev === ours.dev && found.ino === ours.ino) return fd;
    fs.closeSync(fd);
  }
  throw new StateError(`${path} is replaced by others again and again: choose another path`);
}
