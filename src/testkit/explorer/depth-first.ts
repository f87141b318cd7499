import { continues, type Runnable, type Scheduler, type Step, type TaskId } from "./scheduler.ts";

export interface DepthFirstOptions {
  /** How many preemptions a schedule may have: switches away from a task that could go on. Default: no bound. */
  readonly preemptions?: number;
  /**
   * Prune what only reorders independent steps. The subject promises that what runs from one step to the next touches
   * nothing shared but the step's `object` (or, with no object named, anything). Not together with a bound.
   */
  readonly sleepSets?: boolean;
}

/** A point of choice on the present path. */
interface Node {
  /** The choices still to be tried; the last is the present one. */
  readonly open: number[];
  readonly tasks: readonly TaskId[];
  /** Tasks whose step, taken here, leads only to what a sibling has shown already. */
  readonly sleeping: TaskId[];
}

/**
 * Tries every schedule, deepest choice first.
 *
 * Sleep sets (Godefroid 1996): after a task's step has been tried at a node it sleeps in the later branches until a
 * dependent step is taken; an execution in which all that can run sleeps only reorders independent steps of one
 * already seen. With a bound that argument fails: the one already seen may need one preemption more.
 */
export class DepthFirstScheduler implements Scheduler {
  readonly #bound: number;
  readonly #sleepSets: boolean;
  readonly #path: Node[] = [];
  #depth = 0;
  #began = false;
  #exhausted = false;
  #preemptions = 0;
  #sleeping: readonly TaskId[] = [];

  constructor(options: DepthFirstOptions = {}) {
    this.#bound = options.preemptions ?? Infinity;
    this.#sleepSets = options.sleepSets ?? false;
    if (this.#sleepSets && this.#bound < Infinity) throw new RangeError("sleep sets need an unbounded search");
  }

  /** Whether everything within the bound has been tried. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  newExecution(): boolean {
    if (this.#began) this.#advance();
    this.#began = true;
    this.#depth = 0;
    this.#preemptions = 0;
    this.#sleeping = [];
    return !this.#exhausted;
  }

  nextTask(runnable: readonly Runnable[], current: TaskId | undefined, yielding: boolean): number | undefined {
    const free = !continues(runnable, current, yielding);
    let node = this.#path[this.#depth];
    if (node === undefined) {
      const all = free || this.#preemptions < this.#bound ? [...runnable.keys()] : [0];
      const tasks = runnable.map(({ task }) => task);
      const open = all.filter((index) => !this.#sleeping.includes(tasks[index] as TaskId)).reverse();
      if (open.length === 0) return undefined;
      node = { open, tasks, sleeping: [...this.#sleeping] };
      this.#path.push(node);
    }
    this.#depth++;
    const choice = node.open.at(-1) as number;
    const taken = runnable[choice];
    if (taken === undefined || taken.task !== node.tasks[choice]) throw notDeterministic();
    if (!free && choice !== 0) this.#preemptions++;
    this.#sleeping = node.sleeping.filter((task) => staysAsleep(task, runnable, taken.step));
    return choice;
  }

  nextChoice(bound: number): number {
    let node = this.#path[this.#depth];
    if (node === undefined) {
      const open = Array.from({ length: bound }, (_, index) => bound - 1 - index);
      node = { open, tasks: [], sleeping: [...this.#sleeping] };
      this.#path.push(node);
    }
    this.#depth++;
    const choice = node.open.at(-1) as number;
    if (choice >= bound) throw notDeterministic();
    return choice;
  }

  /** The present branch is done: on to the next one, at the deepest node that has one. */
  #advance(): void {
    for (let node = this.#path.at(-1); node !== undefined; node = this.#path.at(-1)) {
      const tried = node.tasks[node.open.pop() as number];
      if (node.open.length > 0) {
        if (tried !== undefined && this.#sleepSets) node.sleeping.push(tried);
        return;
      }
      this.#path.pop();
    }
    this.#exhausted = true;
  }
}

function notDeterministic(): Error {
  return new Error(
    "the subject did something else under the same schedule: build all of its state anew in each execution, " +
      "and take time and chance from the simulation only",
  );
}

/** By the steps of this execution: what one names is built anew in each. */
function staysAsleep(task: TaskId, runnable: readonly Runnable[], taken: Step): boolean {
  const sleeper = runnable.find((each) => each.task === task);
  return sleeper !== undefined && independent(sleeper.step, taken);
}

function independent(a: Step, b: Step): boolean {
  if (a.object === undefined || b.object === undefined) return false;
  return a.object !== b.object || (a.reads === true && b.reads === true);
}
