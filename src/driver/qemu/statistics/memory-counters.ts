import type { Definition } from "../../../model/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import { hasBalloon } from "../devices-of.ts";
import type { Observation, Observations } from "../observation.ts";
import { residentKib } from "../processes.ts";
import type { Run } from "../run.ts";

/** virDomainMemoryStatTags, and what they are called among the statistics of all domains. */
const tags = {
  swapIn: [0, "swap_in"],
  swapOut: [1, "swap_out"],
  majorFault: [2, "major_fault"],
  minorFault: [3, "minor_fault"],
  unused: [4, "unused"],
  available: [5, "available"],
  actual: [6, "actual"],
  rss: [7, "rss"],
  usable: [8, "usable"],
  lastUpdate: [9, "last-update"],
  diskCaches: [10, "disk_caches"],
  hugePagesAllocated: [11, "hugetlb_pgalloc"],
  hugePagesFailed: [12, "hugetlb_pgfail"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

/** In libvirt's order: QEMU's name, ours, and by what it is divided. */
const reported: readonly (readonly [name: string, tag: keyof typeof tags, divisor: number])[] = [
  ["stat-swap-in", "swapIn", 1024],
  ["stat-swap-out", "swapOut", 1024],
  ["stat-major-faults", "majorFault", 1],
  ["stat-minor-faults", "minorFault", 1],
  ["stat-free-memory", "unused", 1024],
  ["stat-total-memory", "available", 1024],
  ["stat-available-memory", "usable", 1024],
  ["last-update", "lastUpdate", 1],
  ["stat-disk-caches", "diskCaches", 1024],
  ["stat-htlb-pgalloc", "hugePagesAllocated", 1],
  ["stat-htlb-pgfail", "hugePagesFailed", 1],
];

/** The guest has not said. */
const unknown = 2 ** 64 - 1;

export interface MemoryCounter {
  readonly tag: number;
  readonly name: string;
  /** Sizes are in KiB. */
  readonly value: bigint;
}

/** What the balloon reports, and how much memory QEMU itself takes. Rejects as `Observations.ask`. */
export async function memoryCounters(
  observations: Observations,
  run: Run,
  definition: Definition,
): Promise<Observation<readonly MemoryCounter[]>> {
  const counters: MemoryCounter[] = [];
  let ageMs = 0;
  const add = (which: keyof typeof tags, value: bigint): number =>
    counters.push({ tag: tags[which][0], name: tags[which][1], value });
  if (hasBalloon(definition)) {
    const balloon = await observations.ask<JsonObject>(run, "query-balloon");
    add("actual", BigInt(Number(balloon.value["actual"])) / 1024n);
    const answer = await observations.ask<JsonObject>(run, "qom-get", {
      path: `/machine/peripheral/${balloonName(definition)}`,
      property: "guest-stats",
    });
    ageMs = Math.max(balloon.ageMs, answer.ageMs);
    const { stats, ...rest } = answer.value;
    const known = { ...rest, ...(stats as JsonObject | undefined) } as JsonObject;
    for (const [name, which, divisor] of reported) {
      const value = known[name];
      if (typeof value === "number" && value < unknown) add(which, BigInt(Math.floor(value / divisor)));
    }
  }
  add("rss", residentKib(run.pid));
  return { value: counters, ageMs };
}

export function balloonName({ root }: Definition): string {
  return root.find("devices", "memballoon", "alias")?.attribute("name") ?? "balloon0";
}
