import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { Daemon } from "../src/daemon/index.ts";
import { TestDriver } from "../src/driver/test/index.ts";
import { openLoop } from "../src/os/index.ts";
import { wideDriver } from "./rpc-wide.ts";

/**
 * Our daemon as `virtwright start` runs it, without QEMU. Argument: its socket. Each line on standard input is answered
 * with a line about the event loop since the last time, in ms: the 99.9th percentile of its delays, the highest, and the
 * longest stretch of work (the processor time between two ticks of a timer: unlike the delays it does not grow when
 * other programs have the processor). The end of the input ends the daemon.
 */
const [path = ""] = process.argv.slice(2);
const resolutionMs = 1;
const delay = monitorEventLoopDelay({ resolution: resolutionMs });
let longestMs = 0;
let before = processorMs();
setInterval(() => {
  const now = processorMs();
  longestMs = Math.max(longestMs, now - before);
  before = now;
}, resolutionMs).unref();

await using loop = openLoop();
await using driver = new TestDriver(loop);
await using daemon = new Daemon(loop, { drivers: [driver, wideDriver(driver)] });
daemon.listen({ path, mode: 0o600 });
delay.enable();
for await (const _ of createInterface(process.stdin)) {
  const delays = [delay.percentile(99.9), delay.max].map((ns) => Math.max(0, ns / 1e6 - resolutionMs));
  process.stdout.write(`${[...delays, longestMs].map((ms) => ms.toFixed(2)).join(" ")}\n`);
  delay.reset();
  longestMs = 0;
}

function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e3;
}
