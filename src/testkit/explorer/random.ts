import { type Runnable, type Scheduler, seededRandom } from "./scheduler.ts";

/** Chooses every step at random, `executions` times. */
export class RandomScheduler implements Scheduler {
  readonly #random: () => number;
  #left: number;

  constructor(seed: number, executions: number) {
    this.#random = seededRandom(seed);
    this.#left = executions;
  }

  newExecution(): boolean {
    return this.#left-- > 0;
  }

  nextTask(runnable: readonly Runnable[]): number {
    return this.nextChoice(runnable.length);
  }

  nextChoice(bound: number): number {
    return Math.floor(this.#random() * bound);
  }
}
