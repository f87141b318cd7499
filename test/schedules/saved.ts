import { readFileSync } from "node:fs";

/** A schedule under which a scenario failed. */
export interface SavedSchedule {
  /** Of a mutated core; without it, of the core as it was once, before the fix that `about` tells of. */
  readonly mutation?: string;
  readonly about?: string;
  readonly scenario: string;
  readonly kind: string;
  readonly schedule: string;
}

/** Failures of mutated cores: these must fail still. */
export const savedMutations = new URL("mutations.json", import.meta.url);
/** Failures of the core, since fixed: these must pass. */
export const savedFixes = new URL("fixes.json", import.meta.url);

export function load(file: URL): readonly SavedSchedule[] {
  return JSON.parse(readFileSync(file, "utf8")) as SavedSchedule[];
}
