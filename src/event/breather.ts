import { Deferred } from "./deferred.ts";
import { StateError } from "./errors.ts";
import type { Loop } from "./loop.ts";

/**
 * Cuts long work into parts with turns of the loop between them. Of all the work that shares a breather one part runs
 * in each turn, so that the turn is no longer the more of it there is.
 */
export class Breather {
  readonly #loop: Loop;
  readonly #waiting: Deferred[] = [];
  #posted = false;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Resolves in a turn to come, in the order of asking. Rejects with StateError when the loop has none any more. */
  breathe(): Promise<void> {
    const waiting = new Deferred();
    this.#waiting.push(waiting);
    this.#post();
    return waiting.promise;
  }

  #post(): void {
    if (this.#posted) return;
    this.#posted = this.#loop.post(() => this.#resume());
    if (this.#posted) return;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new StateError("the loop is closed"));
  }

  #resume(): void {
    this.#posted = false;
    this.#waiting.shift()?.resolve();
    if (this.#waiting.length > 0) this.#post();
  }
}
