import { bytesText } from "../verbs/table.ts";
import type { Listing } from "../verbs/verb.ts";
import type { Usage } from "./usage-sample.ts";

const bars = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/** How many moments a sparkline goes back. */
export const sparkLength = 20;

/** A line as high as each value is, beside the highest of all, or `full` where that is more. */
export function sparkline(values: readonly number[], full: number): string {
  const top = Math.max(full, ...values);
  return values
    .slice(-sparkLength)
    .map((value) => bars[Math.min(bars.length - 1, Math.floor((Math.max(0, value) / top) * bars.length))])
    .join("");
}

/** `history`: what each domain has used of processors before, by its uuid; without it there are no sparklines. */
export function usageTable(usages: readonly Usage[], history?: ReadonlyMap<string, readonly number[]>): Listing {
  const rate = (bytes: number): string => `${bytesText(BigInt(Math.round(bytes)), 1)}/s`;
  return {
    columns: ["Name", "CPU", ...(history === undefined ? [] : [""]), "Memory", "Read", "Written", "Received", "Sent"],
    rows: usages.map((usage) => [
      usage.name,
      `${usage.cpuPercent.toFixed(1).padStart(5)} %`,
      ...(history === undefined
        ? []
        : [sparkline(history.get(usage.uuid) ?? [], 100 * Math.max(1, usage.vcpus)).padEnd(sparkLength)]),
      bytesText(usage.memoryKib * 1024n, 1),
      rate(usage.readRate),
      rate(usage.writeRate),
      rate(usage.receiveRate),
      rate(usage.sendRate),
    ]),
    objects: usages,
  };
}
