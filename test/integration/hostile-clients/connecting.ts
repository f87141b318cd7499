import { setTimeout as wait } from "node:timers/promises";
import type { Loop } from "../../../src/event/index.ts";
import { connectUnix, SystemError, type UnixTransport } from "../../../src/os/index.ts";

/** Waits where the daemon's queue is full. */
export async function connect(loop: Loop, path: string): Promise<UnixTransport> {
  for (const deadline = performance.now() + 20_000; ; ) {
    try {
      return connectUnix(loop, path);
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== "EAGAIN" || performance.now() > deadline) throw error;
      await wait(20);
    }
  }
}
