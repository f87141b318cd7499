import { readdirSync, readlinkSync } from "node:fs";
import * as libc from "../../src/os/libc.ts";

const nonBlockingCloseOnExec = 0o2004000;
const one = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/** An eventfd: readable once rung, until silenced; always writable. */
export function openEvent(rings = 0): number {
  return libc.check(libc.eventfd(rings, nonBlockingCloseOnExec), "eventfd", "of a test");
}

export function ring(fd: number): void {
  libc.check(libc.write(fd, one, one.length), "write", `fd ${fd}`);
}

/** How often it was rung since; 0 when it was not. */
export function silence(fd: number): number {
  const counter = new Uint32Array(2);
  return libc.read(fd, counter, 8) === 8 ? (counter[0] as number) : 0;
}

/** What each open descriptor of this process leads to. The directory that is read for this is not among them. */
export function openDescriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [`${fd} -> ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });
}
