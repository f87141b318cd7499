import { openLoop } from "../../../src/os/index.ts";
import { OurDaemon } from "../qemu/our-daemon.ts";

/** Our daemon as a process of its own, in the directory that is its argument, until its input ends. */
const loop = openLoop();
const daemon = new OurDaemon(loop, process.argv[2] ?? "");
await daemon.start();
process.stdout.write("ready\n");
for await (const _ of process.stdin);
await daemon.stop();
for (const warning of daemon.warnings) process.stderr.write(`${String(warning)}\n`);
await loop.close();
