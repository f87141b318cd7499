import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInXen } from "../lab/xen/lab.ts";
import type { MachineOptions } from "../lab/xen/machine.ts";
import { formatTable, median } from "./table.ts";

/** Runs a contest in a lab whose clock counts instructions, and gives the JSON that it prints. */
export async function competeInXen<T>(program: string, machine: MachineOptions = {}): Promise<T> {
  const result = await runInXen(`${program} > "$XEN_LAB/taken"`, {
    timeoutMs: 3_600_000,
    clock: "instructions",
    ...machine,
    onOutput: (_stream, text) => process.stderr.write(text),
  });
  if (result.exitCode !== 0) throw new Error(`the contest failed: ${result.stderr}; left in ${result.directory}`);
  const taken = JSON.parse(readFileSync(join(result.directory, "taken"), "utf8")) as T;
  result.remove();
  return taken;
}

/** Of each subject and measure the median, with the fastest and the slowest round, in milliseconds. */
export function takenTable<M extends string>(
  taken: Readonly<Record<string, Readonly<Record<M, readonly number[]>>>>,
  measures: readonly M[],
): string {
  const ms = (micros: number): string => (micros / 1_000).toPrecision(3);
  const cell = (micros: readonly number[]): string =>
    `${ms(median(micros))} (${ms(Math.min(...micros))} to ${ms(Math.max(...micros))})`;
  const rows = Object.entries(taken).map(([name, each]) => [name, ...measures.map((measure) => cell(each[measure]))]);
  return formatTable(["", ...measures], rows);
}

export function printGoals(goals: readonly (readonly [name: string, value: number, goal: string])[]): void {
  for (const [name, value, goal] of goals) console.log(`${name}: ${goal}\nratio ${name} ${value.toPrecision(3)}`);
}
