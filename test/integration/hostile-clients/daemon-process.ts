import { openSync, writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import koffi from "koffi";
import { Daemon } from "../../../src/daemon/index.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { obey } from "./child.ts";
import { backlog, openWithinMs } from "./offences.ts";

/** What a daemon takes, once what nobody uses is collected. */
export interface Level {
  readonly connections: number;
  /** In bytes. */
  readonly heapUsed: number;
  /** Buffers and what else is not in the heap. */
  readonly external: number;
  readonly rss: number;
  /** Since its start, in ms. */
  readonly cpu: number;
}

/** A daemon as a user would run it, but for its log: a file with an entry in JSON on each line. */
const [path = "", logPath = ""] = process.argv.slice(2);
const mallocTrim = koffi.load("libc.so.6").func("int malloc_trim(size_t pad)") as (pad: number) => number;
const logFd = openSync(logPath, "a");
const loop = openLoop();
const driver = new TestDriver(loop, { keepEvents: 10 });
const daemon = new Daemon(loop, {
  drivers: [driver],
  limits: { openWithinMs, backlog },
  log: ({ level, message, peer }) => writeSync(logFd, `${JSON.stringify({ level, message, peer })}\n`),
});
daemon.listen({ path, mode: 0o600 });

async function measure(): Promise<Level> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("run it with --expose-gc");
  for (let round = 0; round < 3; round++) {
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
    await wait(50);
  }
  // What the allocator only keeps for later is in nobody's use.
  mallocTrim(0);
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { connections: daemon.size, heapUsed, external, rss, cpu: (user + system) / 1_000 };
}

obey({
  measure,
  connections: () => daemon.size,
  cpu: () => (process.cpuUsage().user + process.cpuUsage().system) / 1_000,
  close: async () => {
    await daemon.close();
    await driver.close();
    await loop.close();
  },
});
