import { AsyncSim } from "./async-sim.ts";
import { type Bounds, executionLimit, schedulerFor } from "./bounds.ts";
import { DepthFirstScheduler } from "./depth-first.ts";
import { Execution, type ExecutionOptions, type Outcome } from "./execution.ts";
import { ReplayScheduler } from "./replay.ts";
import { formatSchedule, parseSchedule, type Schedule } from "./schedule.ts";
import type { Scheduler } from "./scheduler.ts";
import { shrink } from "./shrink.ts";
import { Sim } from "./sim.ts";

/** Builds actors and what they share; called anew for each execution, so it must keep nothing between calls. */
export type Subject = (sim: Sim) => void;
export type AsyncSubject = (sim: AsyncSim) => void;

/** A failing execution, and its schedule as the string that replays it. */
export interface Failing extends Outcome {
  readonly text: string;
}

export interface Report {
  /** The first failure, its schedule made as short as could be; undefined: nothing found within the bounds. */
  readonly failing: Failing | undefined;
  /** Whole executions, without those given up as redundant. */
  readonly executions: number;
  readonly steps: number;
  /** Depth-first: every schedule within the bounds was tried. */
  readonly exhausted: boolean;
}

/** Runs the subject under many schedules until one fails or the bounds are reached. */
export function explore(subject: Subject, bounds: Bounds = {}): Report {
  const search = new Search(bounds);
  while (search.next()) search.saw(execute(subject, search.scheduler, bounds));
  if (search.failed === undefined) return search.report();
  const shrinking = shrink(search.failed);
  let attempt = shrinking.next();
  while (attempt.done !== true) attempt = shrinking.next(tryReplay(subject, attempt.value, bounds));
  return search.report(attempt.value);
}

/** The same for actors that are async functions. */
export async function exploreAsync(subject: AsyncSubject, bounds: Bounds = {}): Promise<Report> {
  const search = new Search(bounds);
  while (search.next()) search.saw(await executeAsync(subject, search.scheduler, bounds));
  if (search.failed === undefined) return search.report();
  const shrinking = shrink(search.failed);
  let attempt = shrinking.next();
  while (attempt.done !== true) {
    const scheduler = new ReplayScheduler(attempt.value);
    const outcome = await executeAsync(subject, scheduler, bounds);
    attempt = shrinking.next(scheduler.fits ? outcome : undefined);
  }
  return search.report(attempt.value);
}

/** Runs the subject once, under a schedule or its string. Throws RangeError when that does not fit the subject. */
export function replay(subject: Subject, schedule: Schedule | string, options: ExecutionOptions = {}): Outcome {
  const scheduler = replayScheduler(schedule);
  return checkFit(scheduler, execute(subject, scheduler, options));
}

export async function replayAsync(
  subject: AsyncSubject,
  schedule: Schedule | string,
  options: ExecutionOptions = {},
): Promise<Outcome> {
  const scheduler = replayScheduler(schedule);
  return checkFit(scheduler, await executeAsync(subject, scheduler, options));
}

function execute(subject: Subject, scheduler: Scheduler, options: ExecutionOptions): Outcome {
  const execution = new Execution(scheduler, options);
  return execution.run(() => subject(new Sim(execution)));
}

function executeAsync(subject: AsyncSubject, scheduler: Scheduler, options: ExecutionOptions): Promise<Outcome> {
  const execution = new Execution(scheduler, options);
  return execution.runAsync(() => subject(new AsyncSim(execution)), microtasksDone);
}

/** A macrotask begins only when the microtask queue is empty: no guessing how many turns the promises need. */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function replayScheduler(schedule: Schedule | string): ReplayScheduler {
  return new ReplayScheduler(typeof schedule === "string" ? parseSchedule(schedule) : schedule);
}

function tryReplay(subject: Subject, schedule: Schedule, options: ExecutionOptions): Outcome | undefined {
  const scheduler = new ReplayScheduler(schedule);
  const outcome = execute(subject, scheduler, options);
  return scheduler.fits ? outcome : undefined;
}

function checkFit(scheduler: ReplayScheduler, outcome: Outcome): Outcome {
  if (!scheduler.fits) throw new RangeError("the schedule does not fit: it was recorded from another subject");
  return outcome;
}

/** The state of one exploration. */
class Search {
  readonly scheduler: Scheduler;
  readonly #limit: number;
  #executions = 0;
  #steps = 0;
  failed: Outcome | undefined;

  constructor(bounds: Bounds) {
    this.scheduler = schedulerFor(bounds);
    this.#limit = executionLimit(bounds);
  }

  next(): boolean {
    return this.failed === undefined && this.#executions < this.#limit && this.scheduler.newExecution();
  }

  saw(outcome: Outcome): void {
    if (!outcome.pruned) this.#executions++;
    this.#steps += outcome.steps;
    if (outcome.failure !== undefined) this.failed = outcome;
  }

  report(shortest?: Outcome): Report {
    return {
      failing: shortest && { ...shortest, text: formatSchedule(shortest.schedule) },
      executions: this.#executions,
      steps: this.#steps,
      exhausted: this.scheduler instanceof DepthFirstScheduler && this.scheduler.exhausted,
    };
  }
}
