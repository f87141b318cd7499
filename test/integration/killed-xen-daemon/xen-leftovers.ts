import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { DaemonLife } from "../killed-daemon/daemon-life.ts";

const run = promisify(execFile);

export type LibxlRole = "observer" | "operations";

/** Processes with a context of libxl, found as anybody could find them; a dead one has no words. */
export function libxlProcesses(role: LibxlRole): number[] {
  return processesWith((words) => words[1]?.endsWith("/libxl/process/main.ts") === true && words[2] === role);
}

/** What there is when all is quiet, as anybody can see it. */
export interface Leftovers {
  /** Numbers of Xen's domains. */
  readonly domains: readonly string[];
  /** Paths in xenstore. */
  readonly nodes: readonly string[];
  readonly files: readonly string[];
  readonly observers: number;
  readonly helpers: number;
  /** By process: how many it has open. */
  readonly descriptors: ReadonlyMap<number, number>;
  /** What the daemon holds, less what its processes cost it. */
  readonly held: Readonly<Record<"descriptors" | "connections" | "subscriptions" | "registrations", number>>;
}

/** The daemon has a socket, and a descriptor of the process, for each; and a watch for each of these. */
const costs = 2;
const patienceMs = 60_000;

/** Waits until what is on its way out is gone; or gives what there is after a minute. */
export async function leftovers(directory: string, life: DaemonLife): Promise<Leftovers> {
  for (const end = Date.now() + patienceMs; ; await sleep(200)) {
    const found = await look(directory, life);
    const isQuiet =
      found.domains.length === 0 && found.files.length === 0 && found.observers === 1 && found.helpers === 0;
    if (isQuiet || Date.now() > end) return found;
  }
}

async function look(directory: string, life: DaemonLife): Promise<Leftovers> {
  const observers = libxlProcesses("observer");
  const operators = libxlProcesses("operations");
  const helpers = processesWith(([program = ""]) => /\/libxl-save-helper$|^xl$/.test(program)).length;
  const counts = await life.counts();
  const own = costs * (observers.length + operators.length);
  return {
    domains: (await linesOf("xl", ["list"])).slice(1).flatMap((line) => /^\S+ +([1-9]\d*) /.exec(line)?.[1] ?? []),
    nodes: (await linesOf("xenstore-ls", ["-f"])).map((line) => line.replace(/ = .*/, "")),
    files: [...filesIn(join(directory, "run")), ...filesIn(join(directory, "state", "save"))],
    observers: observers.length,
    helpers,
    descriptors: new Map([...observers, ...operators].map((pid) => [pid, descriptorsOf(pid)])),
    held: { ...counts, descriptors: descriptorsOf(life.pid) - own, registrations: counts.registrations - own },
  };
}

/** What is there and was not before, in words. */
export function growth(before: Leftovers, after: Leftovers): string[] {
  const found = after.domains.map((id) => `domain ${id} is left`);
  const known = new Set(before.nodes);
  for (const path of after.nodes) if (!known.has(path)) found.push(`${path} is left in xenstore`);
  for (const name of after.files) found.push(`${name} is left`);
  if (after.observers !== 1) found.push(`${after.observers} processes observe`);
  if (after.helpers > 0) found.push(`${after.helpers} helpers are left`);
  for (const [pid, count] of after.descriptors) {
    const was = before.descriptors.get(pid);
    if (was !== undefined && count > was) found.push(`libxl's process ${pid} has ${count} descriptors, not ${was}`);
  }
  for (const what of ["descriptors", "connections", "subscriptions", "registrations"] as const) {
    if (after.held[what] > before.held[what])
      found.push(`the daemon has ${after.held[what]} ${what}, not ${before.held[what]}`);
  }
  return found;
}

function processesWith(fits: (words: readonly string[]) => boolean): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && fits(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
      } catch {
        return false;
      }
    });
}

function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => !["lock", "autostarted"].includes(name))
    .map((name) => join(directory, name));
}

async function linesOf(program: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await run(program, args, { maxBuffer: 16 * 1024 * 1024 });
  return stdout.trimEnd().split("\n");
}
