/**
 * Runs in dom0, as root: libxl in processes of its own, two of which are killed. Prints one JSON object for the test to
 * judge; its argument is the kernel of a small paravirtualised guest.
 */
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { promisify } from "node:util";
import { Deferred } from "../../src/event/index.ts";
import {
  type ContextProcess,
  type DomainConfig,
  launchProcesses,
  ProcessEndedError,
  type Role,
  XenProcesses,
} from "../../src/libxl/index.ts";
import { openLoop } from "../../src/os/index.ts";

const [, , kernel = ""] = process.argv;
const results: Record<string, unknown> = {};
const errors: unknown[] = [];
const loop = openLoop({ onError: (error) => errors.push(String(error)) });
const launch = launchProcesses(loop, { stderr: "/dev/stderr" });
const launched: { role: Role; process: ContextProcess }[] = [];
let restarts = 0;
const xen = new XenProcesses(loop, {
  launch: async (role) => {
    const started = await launch(role);
    launched.push({ role, process: started });
    return started;
  },
  onProcessEnded: () => {
    restarts++;
  },
});

function tiny(name: string): DomainConfig {
  return {
    c_info: { type: "pv", name },
    b_info: { "type.pv": {}, max_vcpus: 1, max_memkb: 16_384, target_memkb: 16_384, kernel, cmdline: "tick=200" },
  };
}

interface Life {
  readonly events: string[];
  readonly stopped: Promise<void>;
  readonly died: Promise<void>;
}

async function follow(domid: number): Promise<Life> {
  const events: string[] = [];
  const stopped = new Deferred();
  const died = new Deferred();
  await xen.watchDomain(domid, (event) => {
    events.push(event.type === "shutdown" ? event.reason : event.type);
    if (event.type === "death") died.resolve();
    else stopped.resolve();
  });
  return { events, stopped: stopped.promise, died: died.promise };
}

async function step(name: string, action: () => unknown): Promise<void> {
  const from = performance.now();
  await action();
  console.error(`${name}: ${(performance.now() - from).toFixed(0)} ms`);
}

const domidsNow = async (): Promise<number[]> => (await xen.domains()).map(({ domid }) => domid);
const kill = (role: Role): void => {
  for (const each of launched) if (each.role === role) each.process.kill();
};

await step("start", async () => {
  results["at first"] = await domidsNow();
});

/** While domains are built elsewhere, this process is not kept from anything, and the observer answers. */
await step("two at once", async () => {
  let longest = 0;
  let last = performance.now();
  const meter = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  const domids = await Promise.all([xen.create(tiny("one")), xen.create(tiny("two"))]);
  clearInterval(meter);
  console.error(`  longest pause of this process: ${longest.toFixed(0)} ms`);
  results["names"] = await Promise.all(domids.map((domid) => xen.nameOf(domid)));
  results["console"] = (await xen.consolePath(domids[0])).startsWith("/dev/pts/");
  await Promise.all(domids.map((domid) => xen.destroy(domid)));
});

await step("save and restore", async () => {
  const domid = await xen.create(tiny("saved"));
  const { events, died } = await follow(domid);
  await xen.unpause(domid);
  await xen.save(domid, "/tmp/saved");
  results["saved"] = statSync("/tmp/saved").size > 1e6;
  await xen.destroy(domid);
  await died;
  results["events of the saved"] = events;
  const restored = await xen.restore(tiny("saved"), "/tmp/saved");
  const life = await follow(restored);
  await xen.unpause(restored);
  await xen.shutdown(restored);
  // Who would tell of it is killed; the next one does.
  kill("observer");
  await life.stopped;
  await xen.destroy(restored);
  await life.died;
  results["events of the restored"] = life.events;
});

await step("a builder is killed", async () => {
  // Its kernel never comes: so the domain is there, and its builder waits.
  await promisify(execFile)("mkfifo", ["/tmp/never"]);
  const creating = xen.create({ ...tiny("half"), b_info: { ...tiny("half").b_info, kernel: "/tmp/never" } });
  while ((await domidsNow()).length < 2);
  kill("operations");
  results["its operation"] = await creating.then(
    () => "created",
    (error: unknown) => error instanceof ProcessEndedError,
  );
  results["afterwards"] = await domidsNow();
  const domid = await xen.create(tiny("next"));
  await xen.destroy(domid);
});

results["processes ended"] = restarts;
results["left"] = await domidsNow();
await xen.close();
await loop.close();
results["errors"] = errors;
console.log(JSON.stringify(results));
