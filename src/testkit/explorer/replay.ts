import type { Schedule } from "./schedule.ts";
import type { Runnable, Scheduler } from "./scheduler.ts";

/**
 * Repeats one schedule. After its end everything goes on as before (choice 0). A choice that does not fit the subject
 * ends the execution, and `fits` is false: the subject has changed, or the schedule is another one's.
 */
export class ReplayScheduler implements Scheduler {
  readonly #schedule: Schedule;
  #at = 0;
  #runs = 0;
  fits = true;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  newExecution(): boolean {
    this.#at = 0;
    return this.#runs++ === 0;
  }

  nextTask(runnable: readonly Runnable[]): number | undefined {
    const choice = this.#schedule[this.#at++] ?? 0;
    if (choice < runnable.length) return choice;
    this.fits = false;
    return undefined;
  }

  nextChoice(bound: number): number {
    const choice = this.#schedule[this.#at++] ?? 0;
    if (choice < bound) return choice;
    this.fits = false;
    return 0;
  }
}
