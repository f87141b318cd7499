/** An actor of the subject: a thread, a worker, a process. Numbered from 0 in the order of spawning. */
export type TaskId = number;

/** What a task is about to do. The engine lets it happen when a scheduler says so and `ready` allows it. */
export interface Step {
  /** Says in a diagram what happens: "lock ctx", "poll", "enter callback". */
  readonly label: string;
  readonly kind: "step" | "lock" | "unlock" | "wait" | "yield";
  /** What it touches; undefined: possibly everything. Two steps on different objects commute (sleep sets use it). */
  readonly object?: object;
  /** Whether it only reads `object`: two reads commute. */
  readonly reads?: boolean;
  /** False while the step has to wait: for a lock, a wakeup, a time. */
  readonly ready?: () => boolean;
}

export interface Runnable {
  readonly task: TaskId;
  readonly step: Step;
}

/**
 * Decides who goes next. The shape is Shuttle's: a scheduler sees nothing of the subject but what can run.
 * The runnable tasks come in canonical order: first the one that ran last (unless it yields), then by number.
 */
export interface Scheduler {
  /** Begins an execution; false when there is nothing left to explore. */
  newExecution(): boolean;
  /** Which of `runnable` (never empty) takes its step, as an index; undefined gives the execution up as redundant. */
  nextTask(runnable: readonly Runnable[], current: TaskId | undefined, yielding: boolean): number | undefined;
  /** A choice of the subject itself, such as the order of two results: an integer from 0 below `bound`. */
  nextChoice(bound: number): number;
}

/** Whether taking the first of `runnable` continues the current task, so that any other choice is a preemption. */
export function continues(runnable: readonly Runnable[], current: TaskId | undefined, yielding: boolean): boolean {
  return !yielding && runnable[0]?.task === current;
}

/** A small, fast, seedable generator (mulberry32); the same seed gives the same numbers on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
