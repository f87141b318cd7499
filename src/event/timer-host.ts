import type { Host } from "./host.ts";

/** What a loop without descriptors needs of the world. */
export interface Timers {
  /** Monotonic time in milliseconds. */
  now(): number;
  /** Calls `ring` once, `ms` from now at the earliest; at most 2^31 - 1. The answer takes the wish back. */
  after(ms: number, ring: () => void): () => void;
  /** Calls `ring` once, soon, when what else is ready has had its turn. */
  soon(ring: () => void): void;
  /** Nothing is asked for any more. */
  close?(): void;
}

/** The longest that JavaScript's timers wait. */
const longest = 0x7fff_ffff;

/**
 * The world of a client: timers, and no descriptors, for its sockets are its platform's. It keeps nothing alive but what is
 * due.
 */
export class TimerHost implements Host {
  readonly #timers: Timers;
  #turn: (() => void) | undefined;
  #takeBack: (() => void) | undefined;
  /** When the timer fires. */
  #wakesAt = Number.POSITIVE_INFINITY;
  #isWoken = false;
  readonly #onSoon = (): void => {
    this.#isWoken = false;
    this.#turn?.();
  };

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  now(): number {
    return this.#timers.now();
  }

  start(turn: () => void): void {
    this.#turn = turn;
  }

  arm(): void {
    throw new Error("a client's loop watches no descriptors");
  }

  rearm(): void {
    this.arm();
  }

  disarm(): void {}

  poll(): void {}

  wakeAt(deadline: number | undefined): void {
    // Nothing is due any more: what would fire would keep the process alive.
    if (deadline === undefined) return this.#stopTimer();
    // Deadlines move with each sign of life. One that fires too early costs a turn, and to set it anew costs as much each time.
    if (this.#wakesAt <= deadline) return;
    this.#stopTimer();
    const now = this.now();
    this.#wakesAt = Math.min(deadline, now + longest);
    this.#takeBack = this.#timers.after(Math.min(Math.max(0, Math.ceil(deadline - now)), longest), () => {
      this.#stopTimer();
      this.#turn?.();
    });
  }

  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    this.#timers.soon(this.#onSoon);
  }

  #stopTimer(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
    this.#wakesAt = Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.#turn = undefined;
    this.#stopTimer();
    this.#timers.close?.();
  }
}
