import { Deferred } from "./deferred.ts";
import { OverflowError, StateError } from "./errors.ts";

export interface FeedOptions {
  /** How many values may wait for the listener; one more ends the feed with OverflowError. Default 100,000. */
  readonly limit?: number;
  /** Told once, when the listener leaves or has heard of the end. */
  readonly onClose?: () => void;
}

/**
 * An ordered, loss-free, ending sequence of values for one listener.
 *
 *     open -> ended -> closed      (end: values that wait are still delivered, then the cause)
 *     open -> closed               (close: the listener leaves; nothing is delivered any more)
 *
 * push: open; otherwise nothing, and false. end: open -> ended. close: any -> closed; idempotent.
 */
export class Feed<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #onClose: (() => void) | undefined;
  #values: T[] = [];
  /** How many of `#values` have been handed over: shifting each would cost the length of the queue. */
  #taken = 0;
  #state: "open" | "ended" | "closed" = "open";
  #cause: unknown;
  #waiting: Deferred<IteratorResult<T, undefined>> | undefined;
  #listening = false;

  constructor(options: FeedOptions = {}) {
    this.#limit = options.limit ?? 100_000;
    this.#onClose = options.onClose;
  }

  get state(): "open" | "ended" | "closed" {
    return this.#state;
  }

  /** How many values wait for the listener. */
  get size(): number {
    return this.#values.length - this.#taken;
  }

  push(value: T): boolean {
    if (this.#state !== "open") return false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting.resolve({ done: false, value });
    else if (this.size < this.#limit) this.#values.push(value);
    else this.end(new OverflowError(`the listener is ${this.#limit} events behind: read faster, or raise the limit`));
    return this.#state === "open";
  }

  /** No more values: those that wait are delivered, then the iteration ends, or throws `cause` if there is one. */
  end(cause?: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#cause = cause;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    const last = this.#last();
    if (last.error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(last.error);
  }

  /**
   * The listener leaves: what waits is dropped, and nothing more is handed over. A value that `next` was given before
   * is the listener's, even if its promise has not been looked at yet.
   */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#values = [];
    this.#taken = 0;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
    this.#onClose?.();
  }

  /** One listener at a time, for the whole life of the feed: StateError for a second. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    if (this.#listening) throw new StateError("a feed has one listener; subscribe again for another");
    this.#listening = true;
    return {
      next: () => this.#next(),
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#waiting !== undefined) throw new StateError("next() was called before the last one had settled");
    const result = new Deferred<IteratorResult<T, undefined>>();
    if (this.size > 0) result.resolve({ done: false, value: this.#take() });
    else if (this.#state === "open") this.#waiting = result;
    else {
      const last = this.#last();
      if (last.error === undefined) result.resolve({ done: true, value: undefined });
      else result.reject(last.error);
    }
    return result.promise;
  }

  #take(): T {
    const value = this.#values[this.#taken++] as T;
    if (this.#taken > 1_000 && this.#taken * 2 > this.#values.length) {
      this.#values = this.#values.slice(this.#taken);
      this.#taken = 0;
    }
    return value;
  }

  /** The listener has had everything: it learns the cause once, and the feed is closed. */
  #last(): { error: unknown } {
    const error = this.#cause;
    this.#cause = undefined;
    this.close();
    return { error };
  }
}
