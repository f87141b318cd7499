/**
 * Runs in dom0, as root: `libxl-kills.ts KILLS SEED`. A process with a context of libxl is killed again and again, each time
 * in the middle of an operation, at another moment of it. Two guests that have nothing to do with it look on. Prints one
 * JSON object.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ContextProcess,
  type DomainConfig,
  type DomainInfo,
  launchProcesses,
  ProcessEndedError,
  XenProcesses,
} from "../../src/libxl/index.ts";
import { openLoop } from "../../src/os/index.ts";

const [, , kills = "20", seed = "1"] = process.argv;
const kernel = process.env["XEN_LAB_GUEST"] ?? "";
/** What anything may take before it counts as hanging. */
const patienceMs = 300_000;
const saved = "/tmp/kills.saved";

const errors: string[] = [];
const loop = openLoop({ onError: (error) => errors.push(String(error)) });
const launch = launchProcesses(loop, { stderr: "/dev/stderr" });
let operator: ContextProcess | undefined;
const xen = new XenProcesses(loop, {
  launch: async (role) => {
    const started = await launch(role);
    if (role === "operations") operator = started;
    return started;
  },
  operations: 1,
});

let state = Number(seed);
/** From 0 to 1, the same for the same seed. */
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

function tiny(name: string): DomainConfig {
  const memory = { max_memkb: 16_384, target_memkb: 16_384 };
  return {
    c_info: { type: "pv", name },
    b_info: { "type.pv": {}, max_vcpus: 1, ...memory, kernel, cmdline: "tick=500" },
  };
}

/** Fails instead of waiting for ever. */
async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`hangs: ${what}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}

const operations = ["create", "save", "restore", "destroy"] as const;
type Operation = (typeof operations)[number];

/** The victim: made ready for the operation, and then under it. Resolves with its number where that is known before. */
async function prepare(operation: Operation): Promise<number | undefined> {
  if (operation === "create" || operation === "restore") return undefined;
  const domid = await inTime("prepare", xen.create(tiny("victim")));
  await inTime("unpause", xen.unpause(domid));
  return domid;
}

async function operate(operation: Operation, domid = -1): Promise<unknown> {
  if (operation === "create") return xen.create(tiny("victim"));
  if (operation === "restore") return xen.restore(tiny("victim"), saved);
  return operation === "save" ? xen.save(domid, `${saved}.killed`) : xen.destroy(domid);
}

function stateOf(info: DomainInfo | undefined): string {
  if (info === undefined) return "gone";
  if (info.dying) return "dying";
  if (info.shutdown) return `shut down: ${info.shutdownReason}`;
  return info.paused ? "paused" : "running";
}

async function victims(): Promise<readonly DomainInfo[]> {
  const all = await inTime("domains", xen.domains());
  return all.filter(({ domid }) => domid !== 0 && !bystanders.some((each) => each.domid === domid));
}

/** Afterwards there is none, whatever the operation has left. */
async function clear(): Promise<void> {
  for (const { domid } of await victims()) await inTime("clear", xen.destroy(domid));
  for (let tries = 0; (await victims()).length > 0; tries++) {
    if (tries > 100) throw new Error("a victim can not be destroyed");
    await sleep(100);
  }
}

interface Bystander {
  readonly domid: number;
  readonly name: string;
  readonly events: unknown[];
}

async function bystander(name: string): Promise<Bystander> {
  const domid = await xen.create(tiny(name));
  const events: unknown[] = [];
  await xen.watchDomain(domid, (event) => events.push(event));
  await xen.unpause(domid);
  return { domid, name, events };
}

function ticksOf({ name }: Bystander): number {
  return readFileSync(`/var/log/xen/console/guest-${name}.log`, "latin1").split("tick ").length;
}

/** Both go on, were told nothing, and are who they were. */
async function untouched(): Promise<boolean> {
  const before = bystanders.map(ticksOf);
  for (let tries = 0; tries < 100; tries++) {
    await sleep(100);
    if (!bystanders.every((each, index) => ticksOf(each) > (before[index] ?? 0))) continue;
    const infos = await Promise.all(bystanders.map(({ domid }) => inTime("look", xen.domain(domid))));
    return infos.every((info) => stateOf(info) === "running") && bystanders.every(({ events }) => events.length === 0);
  }
  return false;
}

const bystanders: Bystander[] = [];
for (const name of ["first", "second"]) bystanders.push(await bystander(name));

/** How long each takes when nobody is killed. */
const usual: Partial<Record<Operation, number>> = {};
for (const operation of ["create", "save", "restore", "destroy"] as const) {
  const domid = await prepare(operation);
  const from = performance.now();
  if (operation === "save") await inTime(operation, xen.save(domid ?? -1, saved));
  else await inTime(operation, operate(operation, domid));
  usual[operation] = performance.now() - from;
  await clear();
}
console.error(`usual: ${JSON.stringify(usual)}`);

const ends: Record<Operation, Record<string, number>> = { create: {}, save: {}, restore: {}, destroy: {} };
let [killed, missed, bystandersUntouched] = [0, 0, 0];
while (killed < Number(kills) && missed < 3 * Number(kills)) {
  const operation = operations[killed % operations.length] ?? "create";
  const domid = await prepare(operation);
  // So that a process is there and has nothing to do.
  await inTime("warm up", xen.configuration(bystanders[0]?.domid ?? -1));
  const wait = random() * (usual[operation] ?? 0);
  const from = performance.now();
  const ended = operate(operation, domid).then(
    // It was faster than that; so the next one is killed earlier.
    () => void (usual[operation] = Math.min(usual[operation] ?? 0, performance.now() - from)),
    (error: unknown) => error as Error,
  );
  await sleep(wait);
  operator?.kill();
  const error = await inTime(`${operation}, killed`, ended);
  if (!(error instanceof ProcessEndedError)) {
    if (error !== undefined) errors.push(`${operation}: ${error.message}`);
    missed++;
  } else {
    const found = domid === undefined ? (await victims())[0] : await inTime("look", xen.domain(domid));
    const end = stateOf(found);
    ends[operation][end] = (ends[operation][end] ?? 0) + 1;
    killed++;
    if (await untouched()) bystandersUntouched++;
    console.error(`${killed}: ${operation}, killed after ${wait.toFixed(0)} ms: ${end}`);
  }
  await clear();
}
for (const { domid } of bystanders) await inTime("destroy", xen.destroy(domid));
const left = (await inTime("domains", xen.domains())).map(({ domid }) => domid);
await xen.close();
await loop.close();
/** A helper that libxl forks for saving and restoring must not outlive it for long. */
const helpers = (): number =>
  execFileSync("ps", ["-eo", "comm"], { encoding: "utf8" }).split("libxl-save-help").length - 1;
for (let tries = 0; helpers() > 0 && tries < 100; tries++) await sleep(100);
const inStore = ["/local/domain", "/libxl"].map((path) =>
  execFileSync("xenstore-list", [path], { encoding: "utf8" })
    .split("\n")
    .filter((name) => name !== "" && name !== "0"),
);
console.log(JSON.stringify({ killed, missed, bystandersUntouched, ends, left, helpers: helpers(), inStore, errors }));
