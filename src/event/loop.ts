import { Deferred } from "./deferred.ts";
import { DeadlineError, StateError } from "./errors.ts";
import type { Host, Readiness } from "./host.ts";
import { Nexus, type Token } from "./nexus.ts";
import type { Keeper, Registration } from "./registration.ts";
import { isThenable } from "./thenable.ts";
import { type Deadline, Timeout, type TimeoutCallback, type TimeoutOptions } from "./timeout.ts";
import { TimerQueue } from "./timer-queue.ts";
import { Watch, type WatchCallback, type WatchOptions } from "./watch.ts";

/** The next thing a turn does when it is resumed; see `Loop.turn`. */
export type TurnStep = "poll" | "take posts" | "post" | "compare" | "enter" | "release" | "sleep";

export interface LoopOptions {
  /**
   * Hears what callbacks, posts and release functions throw or reject with. Must not throw: who called the turn would
   * catch it, and the rest of the pass would be lost. `source` is the name of the registration, or "post".
   */
  readonly onError: (error: unknown, source: string) => void;
}

/**
 * The event loop: watches, timeouts and posts, called one at a time on one thread.
 *
 *     open -> closing -> closed
 *
 * Confinement is the whole protocol: a loop and what it registers belong to one thread, and every other thread has
 * `post` alone. A registration is a (slot, generation); the poll's result carries it; comparing it and entering the
 * callback are one step that nothing on the loop's thread can come between.
 *
 * watch, timeout: open only. post, enter: open, and closing until the last turn. close: open -> closing; idempotent.
 */
export class Loop {
  readonly #host: Host;
  readonly #onError: LoopOptions["onError"];
  readonly #nexus = new Nexus<Registration>();
  readonly #timers = new TimerQueue<Timeout>();
  readonly #keeper: Keeper;
  #state: "open" | "closing" | "closed" = "open";
  #turning = false;
  #turns = 0;
  readonly #live = new Set<Registration>();
  readonly #retired: Registration[] = [];
  #posted: (() => unknown)[] = [];
  /** A wakeup is under way that will see what is in `#posted` and `#retired` now. */
  #awake = false;
  #closeBy = Infinity;
  readonly #closed = new Deferred();

  constructor(host: Host, options: LoopOptions) {
    this.#host = host;
    this.#onError = options.onError;
    this.#keeper = {
      host,
      nexus: this.#nexus,
      timers: this.#timers as TimerQueue,
      live: this.#live,
      reschedule: () => this.#reschedule(),
      retire: (registration) => {
        // A callback has outlasted the loop, which gave up waiting: no turn is left to release its registration.
        if (this.#state === "closed") return registration.finish();
        this.#retired.push(registration);
        if (!this.#turning) this.#wake();
      },
      report: (error, registration) => this.#onError(error, registration.name),
    };
    host.start(() => this.runTurn());
  }

  get state(): "open" | "closing" | "closed" {
    return this.#state;
  }

  /** How many turns have begun: what happens in one, and until the next, has the same number. */
  get turns(): number {
    return this.#turns;
  }

  /** How many registrations are not released yet. */
  get size(): number {
    return this.#live.size;
  }

  /** The loop's clock: monotonic milliseconds. */
  now(): number {
    return this.#host.now();
  }

  /** Watches a descriptor that stays the caller's. Throws the host's error when it cannot be watched. */
  watch(fd: number, interest: Readiness, callback: WatchCallback, options: WatchOptions = {}): Watch {
    this.#checkOpen();
    return new Watch(this.#keeper, fd, interest, callback, options);
  }

  /** Calls back at a deadline on the loop's clock. */
  timeout(at: Deadline, callback: TimeoutCallback, options: TimeoutOptions = {}): Timeout {
    this.#checkOpen();
    return new Timeout(this.#keeper, at, callback, options);
  }

  /**
   * Runs `job` once, on the loop, in its next turn, in the order of posting: the one door for other threads. False, and
   * `job` will not run, when the loop is closed or past the deadline of `close`. Nobody waits for an async job; its
   * rejection is reported.
   */
  post(job: () => unknown): boolean {
    if (this.#state === "closed" || this.#gaveUp()) return false;
    this.#posted.push(job);
    this.#wake();
    return true;
  }

  /**
   * Runs `job` at once, in a turn of its own: for what comes from outside by another way than the host's readiness, and
   * is not to wait for the next turn. From within a turn it is `post`; what was posted before goes before it.
   */
  enter(job: () => unknown): boolean {
    if (this.#turning || this.#state === "closed" || this.#gaveUp()) return this.post(job);
    if (this.#posted.length === 0) this.#turnFor(job);
    else {
      this.#posted.push(job);
      this.runTurn();
    }
    return true;
  }

  /**
   * Removes all registrations, waits for their callbacks and release functions, then gives the host back. Rejects with
   * DeadlineError, naming who did not end, when that takes longer than `timeoutMs`.
   */
  close(timeoutMs = 10_000): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      this.#closeBy = this.#host.now() + timeoutMs;
      for (const registration of this.#live) registration.remove();
      this.#wake();
      this.#reschedule();
    }
    return this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** One whole turn; the host calls it. A callback must not: StateError. */
  runTurn(): void {
    const turn = this.turn();
    while (turn.next().done !== true);
  }

  /**
   * The order of one turn: collect what is ready, due and posted; then posts, timeouts by deadline, watches as polled;
   * then release functions. What a callback adds waits for the next turn; what it removes or modifies is not entered.
   *
   * Each `yield` stands where another thread may run; it names what comes next. `runTurn` goes straight through, and
   * the schedule explorer does not.
   */
  *turn(): Generator<TurnStep, void, void> {
    if (this.#turning) throw new StateError("a turn is running: a callback must not run another");
    if (this.#state === "closed") return;
    this.#turning = true;
    this.#turns++;
    let released = 0;
    try {
      yield "poll";
      const polled = this.#poll();
      const due = this.#timers.takeDue(this.#host.now());
      for (const timeout of due) timeout.commit();
      // Before the posts are taken: a post from here on wakes again, so none is left behind asleep.
      this.#awake = false;
      yield "take posts";
      const posted = this.#posted;
      this.#posted = [];
      for (const job of posted) {
        yield "post";
        this.#run(job);
      }
      for (const timeout of due) {
        yield "compare";
        if (!timeout.committed) continue;
        yield "enter";
        timeout.enter();
      }
      for (const { token, ready } of polled) {
        yield "compare";
        const watch = this.#nexus.resolve(token);
        if (!(watch instanceof Watch)) continue;
        yield "enter";
        watch.enter(ready);
      }
      yield "release";
      // By index: a release function may remove others, and these are released in this turn too.
      while (released < this.#retired.length) {
        this.#retired[released++]?.finish();
        yield "release";
      }
    } finally {
      this.#endTurn(released);
    }
    if (this.#state === "closing") this.#tryClose();
    yield "sleep";
  }

  /** A turn in which nothing is but this: what is ready or due has a turn that the host begins. */
  #turnFor(job: () => unknown): void {
    this.#turning = true;
    this.#turns++;
    let released = 0;
    try {
      this.#run(job);
      while (released < this.#retired.length) this.#retired[released++]?.finish();
    } finally {
      this.#endTurn(released);
    }
    if (this.#state === "closing") this.#tryClose();
  }

  #endTurn(released: number): void {
    if (released > 0) this.#retired.splice(0, released);
    this.#turning = false;
    this.#reschedule();
  }

  #poll(): { token: Token; ready: Readiness }[] {
    const polled: { token: Token; ready: Readiness }[] = [];
    this.#host.poll((token, ready) => polled.push({ token, ready }));
    return polled;
  }

  #run(job: () => unknown): void {
    const report = (error: unknown): void => this.#onError(error, "post");
    try {
      const result = job();
      if (isThenable(result)) result.then(undefined, report);
    } catch (error) {
      report(error);
    }
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#host.wake();
  }

  /** Within a turn its end does this, once. */
  #reschedule(): void {
    if (this.#turning || this.#state === "closed") return;
    const deadline = Math.min(this.#timers.nearest?.deadline ?? Infinity, this.#closeBy);
    this.#host.wakeAt(deadline === Infinity ? undefined : deadline);
  }

  #checkOpen(): void {
    if (this.#state !== "open") throw new StateError(`the loop is ${this.#state}: nothing can be registered`);
  }

  /** What was accepted still runs; nothing more is once the loop has given up, or there would be no end to it. */
  #tryClose(): void {
    if (this.#posted.length > 0 || (this.#live.size > 0 && !this.#gaveUp())) return;
    this.#state = "closed";
    this.#host.close();
    if (this.#live.size === 0) return this.#closed.resolve();
    const names = [...this.#live].map(({ name }) => name).join(", ");
    this.#closed.reject(new DeadlineError(`the loop closed while callbacks were still running: ${names}`));
  }

  #gaveUp(): boolean {
    return this.#state === "closing" && this.#host.now() >= this.#closeBy;
  }
}
