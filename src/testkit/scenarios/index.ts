import { scenarios as closing } from "./closing.ts";
import { scenarios as crowds } from "./crowds.ts";
import { scenarios as feeds } from "./feeds.ts";
import { scenarios as foreign } from "./foreign.ts";
import { scenarios as hooks } from "./hooks.ts";
import { scenarios as posts } from "./posts.ts";
import { scenarios as promises } from "./promises.ts";
import type { AsyncScenario, Scenario } from "./scenario.ts";
import { scenarios as timeouts } from "./timeouts.ts";
import { scenarios as watches } from "./watches.ts";

export type { AsyncScenario, Scenario } from "./scenario.ts";

/**
 * The event core's rules, each in the smallest world that could break it. By ARCHITECTURE.md's numbers: every witness
 * checks 1, 2, 3, 7 and 9, and every world's end that nothing is left; 4 and 5 are in watches, 6 in timeouts, 8 and 12 in
 * hooks, 10 in posts, 11, 13 and 14 in closing and hooks; foreign has those of a loop that is not ours.
 */
export const coreScenarios: readonly Scenario[] = [
  ...watches,
  ...timeouts,
  ...posts,
  ...closing,
  ...hooks,
  ...foreign,
  ...crowds,
];

/** The same for what the core does with promises. */
export const asyncScenarios: readonly AsyncScenario[] = [...promises, ...feeds];
