import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What there is when all is quiet. */
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

const patienceMs = 60_000;

/**
 * Looks until `grown` has nothing to say of what there is, as all that was on its way is gone: a process that is started has a
 * deadline until it is ready, for one. Or gives what there is after a minute.
 */
export async function leftovers(
  look: () => Promise<Leftovers>,
  grown: (now: Leftovers) => readonly string[],
): Promise<Leftovers> {
  for (const end = Date.now() + patienceMs; ; await sleep(200)) {
    const now = await look();
    if (grown(now).length === 0 || Date.now() > end) return now;
  }
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

/** Of guests that run, and that are saved: below the directory of a daemon. */
export function filesOf(directory: string): string[] {
  return [...filesIn(join(directory, "run")), ...filesIn(join(directory, "state", "save"))];
}

export function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => !["lock", "processes", "autostarted", "format"].includes(name))
    .map((name) => join(directory, name));
}
