/**
 * Runs in dom0, as root: takes guests through their lives, several at once, with each call into libxl held back by some
 * turns and under load. `--variant` is the name of a mutation of the hooks; default "ours". Prints one JSON object when it
 * comes to its end, and how far it is meanwhile.
 */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { registerHooks } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type * as Events from "../../../src/event/index.ts";
import type * as Libxl from "../../../src/libxl/index.ts";
import type * as Koffi from "../../../src/libxl/koffi-library.ts";
import type * as Os from "../../../src/os/index.ts";
import { mutations } from "../../mutations/mutations.ts";
import { HookAudit } from "./hook-audit.ts";
import { Load } from "./load.ts";
import type { Report } from "./report.ts";

const { values } = parseArgs({
  options: {
    kernel: { type: "string", default: process.env["XEN_LAB_GUEST"] ?? "" },
    variant: { type: "string", default: "ours" },
    lives: { type: "string", default: "30" },
    /** At once. */
    lanes: { type: "string", default: "8" },
    /** By how many turns of the loop a call is held back at most, but for every fiftieth, which is held back longer. */
    turns: { type: "string", default: "8" },
    seed: { type: "string", default: "1" },
    /** A busy processor, and descriptors and children that come and go. */
    load: { type: "boolean", default: false },
    /** What an operation may take, in milliseconds. */
    patience: { type: "string", default: "90000" },
  },
});
const [lives, lanes, turns] = [values.lives, values.lanes, values.turns].map(Number) as [number, number, number];
const timeoutMs = Number(values.patience);

registerHooks({
  load(url, context, next) {
    const mutation = mutations.find(({ name }) => name === values.variant);
    if (mutation === undefined || !url.endsWith("/src/event/osevent-hooks.ts")) return next(url, context);
    let source = readFileSync(new URL(url), "utf8");
    for (const { find, replace } of mutation.patches) source = source.replace(find, () => replace);
    return { format: "module-typescript", source, shortCircuit: true };
  },
});
const sources = new URL("../../../src/", import.meta.url).href;
const { Deferred } = (await import(`${sources}event/index.ts`)) as typeof Events;
const { LibxlError, openContext } = (await import(`${sources}libxl/index.ts`)) as typeof Libxl;
const { KoffiLibrary } = (await import(`${sources}libxl/koffi-library.ts`)) as typeof Koffi;
const { openLoop } = (await import(`${sources}os/index.ts`)) as typeof Os;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(Number(values.seed));
const errors: string[] = [];
const wrongLives: string[] = [];
let delayed = 0;
let begun = 0;
let ended = 0;
let starved = 0;
const since = performance.now();

function holdBack(): number {
  const held = Math.floor(random() * (random() < 0.02 ? 8 * turns + 1 : turns + 1));
  if (held > 0) delayed++;
  return held;
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

/** Of this process, whoever has forked them; the program that looks is not one of them. */
function children(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean);
}

const descriptorsBefore = openDescriptors();
const audit = new HookAudit();
audit.install(KoffiLibrary);
const loop = openLoop({ onError: (error) => errors.push(String(error)) });
const xen = openContext(loop, { holdBack, onLate: audit.onLate });
const load = values.load ? new Load(random) : undefined;

const kinds = ["reboot", "save", "restore", "destroy"] as const;
const expected = { reboot: "reboot,death", save: "suspend,death", restore: "poweroff,death", destroy: "death" };

function configOf(name: string): Libxl.DomainConfig {
  const memory = { max_memkb: 16_384, target_memkb: 16_384 };
  const build = { "type.pv": {}, max_vcpus: 1, ...memory, kernel: values.kernel, cmdline: "tick=500" };
  return { c_info: { type: "pv", name }, b_info: build };
}

interface Life {
  readonly events: string[];
  readonly heard: (what: "shutdown" | "death") => Promise<void>;
  readonly end: () => void;
}

/** Its events until it has died, and a wait for each. */
function follow(domid: number): Life {
  const events: string[] = [];
  const waits = { shutdown: new Deferred(), death: new Deferred() };
  const watch = xen.watchDomain(domid, (event) => {
    events.push(event.type === "shutdown" ? event.reason : event.type);
    if (event.type !== "eject") waits[event.type].resolve();
  });
  return { events, heard: (what) => waits[what].promise, end: () => watch.remove() };
}

/** libxl gave up after its own patience was over: the machine was too busy, and nothing was wrong. */
class Starved extends Error {
  readonly domid: number | undefined;

  constructor(cause: Libxl.LibxlError) {
    super(cause.message, { cause });
    this.domid = cause.domid;
  }
}

/** The shortest time for which libxl waits for anybody. */
const libxlsPatienceMs = 10_000;
/** Less than that: a timeout that is never completed would otherwise come to its time, and nobody would see it. */
const closingMs = 5_000;

async function patiently<T>(operation: Promise<T>): Promise<T> {
  const from = performance.now();
  try {
    return await operation;
  } catch (error) {
    if (error instanceof LibxlError && performance.now() - from >= libxlsPatienceMs) throw new Starved(error);
    throw error;
  }
}

/** From a domain's beginning, by being built or restored, to its death. */
async function live(kind: (typeof kinds)[number], name: string, file: string): Promise<void> {
  const domid = await patiently(kind === "restore" ? restore(name, file) : xen.create(configOf(name), { timeoutMs }));
  const { events, heard, end } = follow(domid);
  try {
    await patiently(xen.unpause(domid, { timeoutMs }));
    if (random() < 0.3) {
      await patiently(xen.pause(domid, { timeoutMs }));
      await patiently(xen.unpause(domid, { timeoutMs }));
    }
    if (kind === "reboot") await patiently(xen.reboot(domid, { timeoutMs }));
    if (kind === "save") await patiently(save(domid, file));
    if (kind === "restore") await patiently(xen.shutdown(domid, { timeoutMs }));
    if (kind !== "destroy") await heard("shutdown");
  } finally {
    await xen.destroy(domid, { timeoutMs });
    await heard("death");
    end();
  }
  if (events.join() !== expected[kind]) wrongLives.push(`${name}, to be ended by ${kind}: ${events.join()}`);
}

async function save(domid: number, file: string): Promise<void> {
  const fd = openSync(file, "w", 0o600);
  await xen.save(domid, fd, { timeoutMs }).finally(() => closeSync(fd));
}

async function restore(name: string, file: string): Promise<number> {
  const fd = openSync(file, "r");
  return xen.restore(configOf(name), fd, { timeoutMs }).finally(() => closeSync(fd));
}

/** True when it has lived; a starved one is gone, and does not count. */
async function tryToLive(kind: (typeof kinds)[number], file: string): Promise<boolean> {
  try {
    await live(kind, `${values.variant}-${begun++}`, file);
    return true;
  } catch (error) {
    if (!(error instanceof Starved)) throw error;
    console.error(`starved: ${error.message}`);
    if (error.domid !== undefined && xen.domain(error.domid) !== undefined) await xen.destroy(error.domid);
    starved++;
    return false;
  }
}

async function lane(index: number): Promise<void> {
  const file = `/tmp/${values.variant}-${index}.saved`;
  let saved = false;
  for (let round = index; begun - starved < lives; round++) {
    const kind = kinds[round % kinds.length] ?? "destroy";
    if (kind === "restore" && !saved) continue;
    saved = false;
    if (!(await tryToLive(kind, file))) continue;
    saved = kind === "save";
    if (++ended % 10 === 0 || ended === lives) {
      console.error(`${ended} lives, ${delayed} calls delayed, ${((performance.now() - since) / 1_000).toFixed(0)} s`);
    }
  }
  rmSync(file, { force: true });
}

process.on("exit", (code) => code !== 0 && console.error(`${values.variant}: over after ${ended} lives`));
await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
await load?.end();
const domains = xen.domains().length - 1;
await xen.close(closingMs);
const { registrations, operations, watches } = xen.outstanding;
await loop.close();
// What Node has begun to close is closed a moment later.
for (let tries = 0; openDescriptors() > descriptorsBefore && tries < 50; tries++) await sleep(100);
const inStore = ["/local/domain", "/libxl"].map((path) => execFileSync("xenstore-list", [path], { encoding: "utf8" }));
const left = {
  domains,
  registrations,
  operations,
  watches,
  descriptors: openDescriptors() - descriptorsBefore,
  children: children().length,
  inStore: inStore.map((names) => names.split("\n").filter((name) => name !== "" && name !== "0").length),
};
const { calls, late, reusedNumbers } = audit;
const [fds, timeouts] = [audit.fds.counts, audit.timeouts.counts];
const report: Report = {
  lives: ended,
  starved,
  delayed,
  calls,
  late,
  fds,
  timeouts,
  reusedNumbers,
  left,
  wrongLives,
  errors,
};
console.log(JSON.stringify(report));
