import { DepthFirstScheduler } from "./depth-first.ts";
import type { ExecutionOptions } from "./execution.ts";
import { PctScheduler } from "./pct.ts";
import { RandomScheduler } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** How far to search. */
export interface Bounds extends ExecutionOptions {
  /** Default depth-first. */
  readonly strategy?: "depth-first" | "random" | "pct";
  /** Depth-first: switches away from a task that could go on. Default 2; Infinity for none. */
  readonly preemptions?: number;
  /** Depth-first without a preemption bound: prune by sleep sets (see `DepthFirstOptions`). */
  readonly sleepSets?: boolean;
  /** The most executions. Default 100,000 depth-first, 10,000 otherwise. */
  readonly executions?: number;
  /** Random and PCT. Default 1. */
  readonly seed?: number;
  /** PCT: ordering constraints of the bug sought. Default 3. */
  readonly depth?: number;
  /** A scheduler of one's own instead of all that. */
  readonly scheduler?: Scheduler;
}

export function executionLimit({ strategy = "depth-first", executions }: Bounds): number {
  return executions ?? (strategy === "depth-first" ? 100_000 : 10_000);
}

export function schedulerFor(bounds: Bounds): Scheduler {
  if (bounds.scheduler !== undefined) return bounds.scheduler;
  const { strategy = "depth-first", sleepSets = false, seed = 1, depth = 3 } = bounds;
  const preemptions = bounds.preemptions ?? (sleepSets ? Infinity : 2);
  const executions = executionLimit(bounds);
  switch (strategy) {
    case "depth-first":
      return new DepthFirstScheduler({ preemptions, sleepSets });
    case "random":
      return new RandomScheduler(seed, executions);
    case "pct":
      return new PctScheduler({ seed, executions, depth });
  }
}

const numbers = {
  VIRTWRIGHT_EXPLORE_PREEMPTIONS: "preemptions",
  VIRTWRIGHT_EXPLORE_EXECUTIONS: "executions",
  VIRTWRIGHT_EXPLORE_SEED: "seed",
  VIRTWRIGHT_EXPLORE_DEPTH: "depth",
  VIRTWRIGHT_EXPLORE_MAX_STEPS: "maxSteps",
} as const;

/**
 * `bounds`, overridden by the environment: VIRTWRIGHT_EXPLORE_STRATEGY, _PREEMPTIONS, _EXECUTIONS, _SEED, _DEPTH and
 * _MAX_STEPS. Throws RangeError, naming the variable, for what is neither a strategy nor a number from 0.
 */
export function boundsFromEnvironment(env: Readonly<Record<string, string | undefined>>, bounds: Bounds = {}): Bounds {
  const result: Record<string, unknown> = { ...bounds };
  for (const [variable, name] of Object.entries(numbers)) {
    const text = env[variable];
    if (text === undefined || text === "") continue;
    const value = Number(text);
    if (!(value >= 0)) throw new RangeError(`${variable}=${text}: give a number from 0`);
    result[name] = value;
  }
  const strategy = env["VIRTWRIGHT_EXPLORE_STRATEGY"];
  if (strategy === undefined || strategy === "") return result;
  if (!["depth-first", "random", "pct"].includes(strategy)) {
    throw new RangeError(`VIRTWRIGHT_EXPLORE_STRATEGY=${strategy}: give depth-first, random or pct`);
  }
  return { ...result, strategy: strategy as "depth-first" | "random" | "pct" };
}
