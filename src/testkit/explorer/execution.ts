import { Failure } from "./failure.ts";
import { LockOrder } from "./lock-order.ts";
import type { Schedule } from "./schedule.ts";
import type { Runnable, Scheduler, Step, TaskId } from "./scheduler.ts";

/** Somebody who takes steps. */
export interface Actor {
  readonly id: TaskId;
  readonly name: string;
  /** Serves others and may wait forever: it does not keep the execution from ending. */
  readonly background: boolean;
  /** The step it is about to take; undefined when it has none. */
  readonly next: Step | undefined;
  /** Takes that step: runs on to the next one. */
  resume(): void;
}

/** One line of the story: a step taken, or a note made while taking it. */
export interface Event {
  readonly task: TaskId;
  readonly text: string;
  readonly note: boolean;
}

export interface Outcome {
  readonly failure: Failure | undefined;
  /** Given up by the scheduler as redundant; not a whole execution. */
  readonly pruned: boolean;
  readonly schedule: Schedule;
  readonly steps: number;
  readonly story: readonly Event[];
  readonly tasks: readonly string[];
}

export interface ExecutionOptions {
  /** An execution with more steps than this fails: somebody spins, or starves. Default 2,000. */
  readonly maxSteps?: number;
}

/** One run of a subject under a scheduler: asks who goes next, lets that actor take its step, and keeps the story. */
export class Execution {
  readonly lockOrder = new LockOrder();
  readonly #scheduler: Scheduler;
  readonly #maxSteps: number;
  readonly #actors: Actor[] = [];
  readonly #checks: (() => void)[] = [];
  readonly #schedule: number[] = [];
  readonly #story: Event[] = [];
  /** When each actor took its last step, and its last yielding one. */
  readonly #ran = new Map<Actor, number>();
  readonly #yielded = new Map<Actor, number>();
  #running: Actor | undefined;
  #failure: Failure | undefined;
  #steps = 0;
  #pruned = false;

  constructor(scheduler: Scheduler, options: ExecutionOptions = {}) {
    this.#scheduler = scheduler;
    this.#maxSteps = options.maxSteps ?? 2_000;
  }

  /** The actor whose step is being taken, or was last. */
  get running(): Actor | undefined {
    return this.#running;
  }

  /** Runs a subject whose actors are synchronous between their steps. */
  run(begin: () => void): Outcome {
    this.#attempt(begin);
    while (this.#step());
    return this.#outcome();
  }

  /** The same for asynchronous ones: `settle` returns when nobody can go on without a step. */
  async runAsync(begin: () => void, settle: () => Promise<void>): Promise<Outcome> {
    this.#attempt(begin);
    do await settle();
    while (this.#step());
    return this.#outcome();
  }

  add<T extends Actor>(make: (id: TaskId) => T): T {
    const actor = make(this.#actors.length);
    this.#actors.push(actor);
    return actor;
  }

  atEnd(check: () => void): void {
    this.#checks.push(check);
  }

  choose(bound: number): number {
    const choice = this.#scheduler.nextChoice(bound);
    this.#schedule.push(choice);
    return choice;
  }

  fail(failure: Failure): Failure {
    this.#failure ??= failure;
    return failure;
  }

  note(text: string): void {
    this.#story.push({ task: this.#running?.id ?? 0, text, note: true });
  }

  /** Takes one step; false when nobody can, or the execution has failed. */
  #step(): boolean {
    if (this.#failure !== undefined) return false;
    const current = this.#running;
    const yielding = current?.next?.kind === "yield";
    const runnable = this.#runnable(current, yielding);
    if (runnable.length === 0) return false;
    const choice = this.#scheduler.nextTask(runnable, current?.id, yielding);
    if (choice === undefined) {
      this.#pruned = true;
      return false;
    }
    this.#schedule.push(choice);
    this.#take((runnable[choice] as Runnable).task);
    return true;
  }

  #take(id: TaskId): void {
    const actor = this.#actors[id] as Actor;
    this.#running = actor;
    this.#ran.set(actor, this.#steps + 1);
    if (actor.next?.kind === "yield") this.#yielded.set(actor, this.#steps + 1);
    this.#story.push({ task: id, text: (actor.next as Step).label, note: false });
    this.#attempt(() => actor.resume());
    if (++this.#steps >= this.#maxSteps) {
      const busy = this.#actors.filter(canRun).map(({ name }) => name);
      this.fail(new Failure("starvation", `no end after ${this.#steps} steps; still running: ${busy.join(", ")}`));
    }
  }

  /**
   * Fairness, so that a busy loop cannot keep others from running for ever: a task that is about to yield, and has
   * yielded before, waits for every task that could run and has not done so since.
   */
  #mayYield(actor: Actor, candidates: readonly Actor[]): boolean {
    const yielded = this.#yielded.get(actor);
    return (
      yielded === undefined || candidates.every((other) => other === actor || (this.#ran.get(other) ?? 0) > yielded)
    );
  }

  /** Canonical order: the present actor first, or last when it yields; the others by number. */
  #runnable(current: Actor | undefined, yielding: boolean): Runnable[] {
    const runnable: Runnable[] = [];
    const candidates = this.#actors.filter(canRun);
    for (const actor of candidates) {
      if (actor.next?.kind === "yield" && !this.#mayYield(actor, candidates)) continue;
      const entry = { task: actor.id, step: actor.next as Step };
      if (actor === current && !yielding) runnable.unshift(entry);
      else runnable.push(entry);
    }
    if (yielding) runnable.sort((a, b) => Number(a.task === current?.id) - Number(b.task === current?.id));
    return runnable;
  }

  #outcome(): Outcome {
    if (this.#failure === undefined && !this.#pruned) this.#finish();
    return {
      failure: this.#failure,
      pruned: this.#pruned,
      schedule: this.#schedule,
      steps: this.#steps,
      story: this.#story,
      tasks: this.#actors.map(({ name }) => name),
    };
  }

  /** Nobody can run: either all is done, or somebody waits for what will never come. */
  #finish(): void {
    const waiting = this.#actors.filter(({ next }) => next !== undefined);
    const stuck = waiting.filter(({ background, next }) => !background || next?.kind === "lock");
    if (stuck.length > 0) {
      const where = stuck.map(({ name, next }) => `${name} waits to ${next?.label}`).join("; ");
      const locked = stuck.some(({ next }) => next?.kind === "lock");
      this.fail(new Failure(locked ? "deadlock" : "lost wakeup", where));
      return;
    }
    for (const check of this.#checks) this.#attempt(check);
    const cycle = this.lockOrder.cycle();
    if (cycle !== undefined) this.fail(new Failure("lock order", `taken in a circle: ${cycle.join(" -> ")}`));
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(Failure.from(error));
    }
  }
}

function canRun({ next }: Actor): boolean {
  return next !== undefined && (next.ready === undefined || next.ready());
}
