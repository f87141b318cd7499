import * as fs from "node:fs";
import { StateError } from "../event/errors.ts";
import * as libc from "./libc.ts";

const exclusiveDontWait = 2 | 4;

/**
 * Takes a file, made where it is missing, for this process alone, until `release` or the end of the process. Throws
 * StateError when another has it, and Node's error when it cannot be opened.
 */
export function lockFile(path: string): { release(): void } {
  const fd = fs.openSync(path, "a", 0o600);
  if (libc.flock(fd, exclusiveDontWait) !== 0) {
    fs.closeSync(fd);
    throw new StateError(`${path} is locked: another process uses this directory`);
  }
  let isHeld = true;
  return {
    release: () => {
      if (isHeld) fs.closeSync(fd);
      isHeld = false;
    },
  };
}
