import { type Runnable, type Scheduler, seededRandom, type TaskId } from "./scheduler.ts";

export interface PctOptions {
  readonly seed: number;
  readonly executions: number;
  /** d: finds a bug that needs d ordering constraints with probability at least 1 / (tasks * steps^(d-1)). Default 3. */
  readonly depth?: number;
}

/**
 * Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): tasks have random priorities, the highest runs,
 * and at d - 1 random steps the running task falls below all that have not fallen. Among those that have, the order is
 * random too, whoever fell first; a task that yields falls below every other.
 */
export class PctScheduler implements Scheduler {
  readonly #random: () => number;
  readonly #depth: number;
  #left: number;
  /** The longest execution so far: change points are spread over it. */
  #longest = 16;
  #step = 0;
  readonly #priorities = new Map<TaskId, number>();
  /** The steps at which the running task falls, and the priority it falls to: below 1, where all begin. */
  readonly #changes = new Map<number, number>();
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
    this.#changes.clear();
    for (let fall = 1; fall < this.#depth; fall++)
      this.#changes.set(this.nextChoice(this.#longest), fall / this.#depth);
    return this.#left-- > 0;
  }

  nextTask(runnable: readonly Runnable[], current: TaskId | undefined, yielding: boolean): number {
    const fallen = yielding ? --this.#lowest : this.#changes.get(this.#step);
    if (current !== undefined && fallen !== undefined) this.#priorities.set(current, fallen);
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
