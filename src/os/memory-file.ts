import { closeSync, writeSync } from "node:fs";
import koffi from "koffi";
import * as libc from "./libc.ts";

// SAFETY: `name` is copied before the return; what libc.ts says at its top holds too. The caller owns the descriptor.
const memfdCreate: (name: string, flags: number) => number = koffi
  .load(null)
  .func("int memfd_create(const char *name, uint flags)");

/**
 * A file that holds these bytes and is in memory alone: gone with its last descriptor. This one, close-on-exec, is the
 * caller's. Throws SystemError.
 */
export function memoryFile(bytes: Uint8Array): number {
  const closeOnExec = 1;
  const fd = libc.check(memfdCreate("virtwright", closeOnExec), "memfd_create", `${bytes.length} bytes`);
  try {
    for (let written = 0; written < bytes.length; )
      written += writeSync(fd, bytes, written, bytes.length - written, written);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
