import { Deferred } from "./deferred.ts";
import type { Host } from "./host.ts";
import type { Nexus, Token } from "./nexus.ts";
import { isThenable } from "./thenable.ts";
import type { TimerQueue } from "./timer-queue.ts";

/** What a registration needs of its loop. */
export interface Keeper {
  readonly host: Host;
  readonly nexus: Nexus<Registration>;
  readonly timers: TimerQueue;
  /** All registrations that are not released yet, in whatever state. */
  readonly live: Set<Registration>;
  /** The nearest deadline may have changed. */
  reschedule(): void;
  /** The last callback has ended: `release` is to be called at the end of a turn. */
  retire(registration: Registration): void;
  report(error: unknown, registration: Registration): void;
}

export interface RegistrationOptions {
  /** For messages; the default says what is watched. */
  readonly name?: string;
  /** Runs exactly once, on the loop, at the end of a turn, after the last callback has ended; never inside `remove`. */
  readonly release?: () => void;
}

/**
 * What watches and timeouts have in common.
 *
 *     active -> removed -> released
 *
 * remove: active -> removed; otherwise nothing. Afterwards the callback is never entered.
 * enter:  active only (the turn has just compared the token).
 * finish: removed -> released, when no callback is running.
 */
export abstract class Registration {
  /** Never reused: the id of the registration, here and in the kernel. */
  readonly id: Token;
  readonly name: string;
  protected readonly keeper: Keeper;
  #state: "active" | "removed" | "released" = "active";
  #running = false;
  readonly #release: (() => void) | undefined;
  readonly #closed = new Deferred();

  constructor(keeper: Keeper, name: string, options: RegistrationOptions) {
    this.keeper = keeper;
    this.name = options.name ?? name;
    this.#release = options.release;
    this.id = keeper.nexus.issue(this);
    keeper.live.add(this);
  }

  get state(): "active" | "removed" | "released" {
    return this.#state;
  }

  /** Whether a callback is under way: entered and not returned, or its promise not settled. */
  get running(): boolean {
    return this.#running;
  }

  /** Resolves when the registration is gone, its last callback has ended and its release function has run. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Ends the registration. Idempotent; allowed everywhere on the loop's thread, its own callback included. */
  remove(): void {
    if (this.#state !== "active") return;
    this.#state = "removed";
    this.keeper.nexus.retire(this.id);
    this.withdraw();
    if (!this.#running) this.keeper.retire(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.remove();
    await this.closed;
  }

  /** It could not be made: as if it had never been. */
  protected abandon(): void {
    this.#state = "released";
    this.keeper.nexus.retire(this.id);
    this.keeper.live.delete(this);
  }

  /** Takes the registration back from the host or the timer queue. */
  protected abstract withdraw(): void;

  /** A callback has ended and the registration is still active. */
  protected abstract settle(): void;

  /** Calls back. What is thrown or rejected is reported and hurts nobody else. */
  protected call(callback: () => unknown): void {
    this.#running = true;
    let result: unknown;
    try {
      result = callback();
      if (isThenable(result)) {
        result.then(
          () => this.#ended(),
          (error: unknown) => this.#failed(error),
        );
        return;
      }
    } catch (error) {
      return this.#failed(error);
    }
    this.#ended();
  }

  /** The end: only the loop calls it, once, for a registration that it was asked to retire. */
  finish(): void {
    this.#state = "released";
    this.keeper.live.delete(this);
    const report = (error: unknown): void => this.keeper.report(error, this);
    try {
      const result: unknown = this.#release?.();
      if (isThenable(result)) result.then(undefined, report);
    } catch (error) {
      report(error);
    } finally {
      this.#closed.resolve();
    }
  }

  #failed(error: unknown): void {
    try {
      this.keeper.report(error, this);
    } finally {
      this.#ended();
    }
  }

  #ended(): void {
    if (!this.#running) return;
    this.#running = false;
    if (this.#state !== "active") return this.keeper.retire(this);
    try {
      this.settle();
    } catch (error) {
      // A foreign loop may refuse to watch again what it has watched before.
      this.keeper.report(error, this);
    }
  }
}
