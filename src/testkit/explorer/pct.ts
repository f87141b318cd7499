import { type Runnable, type Scheduler, seededRandom, type TaskId } from "./scheduler.ts";

export interface PctOptions {
  readonly seed: number;
  readonly executions: number;
  /** d: finds a bug that needs d ordering constraints with probability at least 1 / (tasks * steps^(d-1)). Default 3. */
  readonly depth?: number;
}

/**
 * Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): tasks have random priorities, the highest runs,
 * and at d - 1 random steps the running task falls below all others. A task that yields falls likewise.
 */
export class PctScheduler implements Scheduler {
  readonly #random: () => number;
  readonly #depth: number;
  #left: number;
  /** The longest execution so far: change points are spread over it. */
  #longest = 16;
  #step = 0;
  #priorities = new Map<TaskId, number>();
  #changes: number[] = [];
  #lowest = 0;

  constructor({ seed, executions, depth = 3 }: PctOptions) {
    this.#random = seededRandom(seed);
    this.#left = executions;
    this.#depth = depth;
  }

  newExecution(): boolean {
    this.#longest = Math.max(this.#longest, this.#step);
    this.#step = 0;
    this.#lowest = 0;
    this.#priorities.clear();
    this.#changes = Array.from({ length: this.#depth - 1 }, () => this.nextChoice(this.#longest));
    return this.#left-- > 0;
  }

  nextTask(runnable: readonly Runnable[], current: TaskId | undefined, yielding: boolean): number {
    if (current !== undefined && (yielding || this.#changes.includes(this.#step))) {
      this.#priorities.set(current, --this.#lowest);
    }
    this.#step++;
    let best = 0;
    for (let index = 1; index < runnable.length; index++) {
      if (this.#priority(runnable[index]) > this.#priority(runnable[best])) best = index;
    }
    return best;
  }

  nextChoice(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #priority(runnable: Runnable | undefined): number {
    const task = runnable?.task ?? -1;
    let priority = this.#priorities.get(task);
    if (priority === undefined) {
      priority = 1 + this.#random();
      this.#priorities.set(task, priority);
    }
    return priority;
  }
}
