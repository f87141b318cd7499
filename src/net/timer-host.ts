import type { Host } from "../event/index.ts";

/** The longest that Node's timers wait. */
const longest = 0x7fff_ffff;

/**
 * The world of a client: Node's own timers, and no descriptors, for its sockets are Node's. It keeps the process alive only
 * by what is due.
 */
export class TimerHost implements Host {
  #turn: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When it fires. */
  #wakesAt = Number.POSITIVE_INFINITY;
  #soon: NodeJS.Immediate | undefined;

  now(): number {
    return performance.now();
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
    const wait = Math.min(Math.max(0, Math.ceil(deadline - this.now())), longest);
    this.#wakesAt = Math.min(deadline, this.now() + longest);
    this.#timer = setTimeout(() => {
      this.#stopTimer();
      this.#turn?.();
    }, wait);
  }

  wake(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#turn?.();
    });
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakesAt = Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.#turn = undefined;
    this.#stopTimer();
    clearImmediate(this.#soon);
  }
}
