import { RefusedError } from "./mechanism.ts";

/**
 * Between those who send passwords and the threads that try them, which file work needs too: a connection costs its client
 * little, so that it is the daemon that has to count.
 */
export class PasswordGate {
  readonly #running: number;
  readonly #waiting: number;
  readonly #queue: (() => void)[] = [];
  #count = 0;

  /** How many may run at once, and how many more may wait. */
  constructor(running = 2, waiting = 20) {
    this.#running = running;
    this.#waiting = waiting;
  }

  /** Throws RefusedError where too many wait, and where nobody `isWanted` any more when the turn comes. */
  async run<T>(isWanted: () => boolean, attempt: () => Promise<T>): Promise<T> {
    if (this.#count < this.#running) this.#count++;
    else await this.#turn();
    try {
      if (!isWanted()) throw new RefusedError("it has left before its password was tried");
      return await attempt();
    } finally {
      // The place goes to the next who waits, or becomes free.
      const next = this.#queue.shift();
      if (next === undefined) this.#count--;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#queue.length >= this.#waiting) throw new RefusedError("too many passwords are being tried");
    return new Promise((resolve) => this.#queue.push(resolve));
  }
}
