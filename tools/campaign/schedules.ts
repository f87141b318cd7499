import { readFileSync, writeFileSync } from "node:fs";
import { mutations } from "../../test/mutations/mutations.ts";
import { type SavedSchedule, savedMutations } from "../../test/schedules/saved.ts";
import { runJob } from "./job.ts";

/** Writes test/schedules/mutations.json; to be run when a scenario or the core takes other steps than before. */
export async function schedules(): Promise<boolean> {
  const saved: SavedSchedule[] = [];
  for (const { name: mutation, foundBy: scenario } of mutations) {
    const { failing } = await runJob({ scenario, mutation, bounds: {} });
    if (failing === undefined) console.error(`error: ${scenario} does not find ${mutation}`);
    else saved.push({ mutation, scenario, kind: failing.kind, schedule: failing.schedule });
  }
  const text = `${JSON.stringify(saved, undefined, 2)}\n`;
  const changed = text !== readFileSync(savedMutations, "utf8");
  if (changed) writeFileSync(savedMutations, text);
  console.log(`${savedMutations.pathname}: ${changed ? "written" : "as it was"}, ${saved.length} schedules`);
  return saved.length === mutations.length;
}
