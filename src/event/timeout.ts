import { type Keeper, Registration, type RegistrationOptions } from "./registration.ts";
import type { TimerEntry } from "./timer-queue.ts";

/**
 * When a timeout is due: a time on the loop's clock in milliseconds (what has passed, negative numbers included, is due
 * at once), "now" for the next turn, "never" for armed later by `modify`.
 */
export type Deadline = number | "now" | "never";

export interface TimeoutOptions extends RegistrationOptions {
  /**
   * Milliseconds from one firing to the next; 0 fires once in every turn. A firing that comes late by a whole period or
   * more is not made up for. Without it the timeout fires once and is removed after its callback, unless that has
   * called `modify`.
   */
  readonly every?: number;
}

/** May be async: then the timeout is not armed again before the promise has settled. */
export type TimeoutCallback = (timeout: Timeout) => unknown;

/** A deadline on the loop's clock; `Loop.timeout` makes one. Never fires early. */
export class Timeout extends Registration implements TimerEntry {
  /** The timer queue's own fields. */
  deadline = 0;
  order = 0;
  place = -1;

  readonly #callback: TimeoutCallback;
  #every: number | undefined;
  /** Taken out of the queue as due in the present pass, and not modified or removed since. */
  #committed = false;
  /** What `modify` asked for while the callback was running. */
  #wish: Deadline | undefined;

  constructor(keeper: Keeper, at: Deadline, callback: TimeoutCallback, options: TimeoutOptions) {
    checkDeadline(at);
    checkPeriod(options.every);
    super(keeper, "timeout", options);
    this.#callback = callback;
    this.#every = options.every;
    this.#arm(at);
  }

  /** Whether the present pass is to fire it. */
  get committed(): boolean {
    return this.#committed;
  }

  /** Moves the deadline; a firing already due but not yet entered is taken back. Nothing after remove. */
  modify(at: Deadline, every: number | undefined = this.#every): void {
    checkDeadline(at);
    checkPeriod(every);
    if (this.state !== "active") return;
    this.#every = every;
    if (this.running) this.#wish = at;
    else this.#arm(at);
  }

  /** The pass collects it: out of the queue, so that it cannot fire twice. */
  commit(): void {
    this.#committed = true;
  }

  enter(): void {
    this.#committed = false;
    this.call(() => this.#callback(this));
  }

  protected override withdraw(): void {
    this.#committed = false;
    this.keeper.timers.delete(this);
    this.keeper.reschedule();
  }

  protected override settle(): void {
    const wish = this.#wish;
    this.#wish = undefined;
    if (wish !== undefined) this.#arm(wish);
    else if (this.#every === undefined) this.remove();
    else this.#arm(this.#next(this.#every));
  }

  #next(every: number): number {
    const now = this.keeper.host.now();
    return this.deadline + every > now ? this.deadline + every : now + every;
  }

  #arm(at: Deadline): void {
    this.#committed = false;
    if (at === "never") this.keeper.timers.delete(this);
    else this.keeper.timers.set(this, at === "now" ? this.keeper.host.now() : at);
    this.keeper.reschedule();
  }
}

function checkDeadline(at: Deadline): void {
  if (typeof at === "string" || (at < Infinity && !Number.isNaN(at))) return;
  throw new RangeError(`a deadline is a time in milliseconds, "now" or "never", not ${at}`);
}

function checkPeriod(every: number | undefined): void {
  if (every === undefined || (every >= 0 && every < Infinity)) return;
  throw new RangeError(`a period is a finite number of milliseconds from 0, not ${every}`);
}
