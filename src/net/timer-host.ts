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
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (deadline === undefined) return;
    const wait = Math.min(Math.max(0, Math.ceil(deadline - this.now())), longest);
    this.#timer = setTimeout(() => this.#turn?.(), wait);
  }

  wake(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#turn?.();
    });
  }

  close(): void {
    this.#turn = undefined;
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
  }
}
