import { type Deadline, DeadlineError, type Loop, type Timeout } from "../event/index.ts";
import { type AbortSignalLike, type CallOptions, defaultTimeoutMs } from "./call-options.ts";

/** Hears how a wait has ended; a Deferred is one. */
export interface Waiter<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** One wait, which ends once: by whoever settles it, its deadline or its signal. */
export class Wait<T> implements Waiter<T> {
  readonly #waiter: Waiter<T>;
  readonly #timeout: Timeout;
  readonly #signal: AbortSignalLike | undefined;
  readonly #abort: () => void;
  #over = false;

  /** `what` ends the sentence "xenstored did not ...". `onGivenUp` comes before the waiter's `reject`. */
  constructor(loop: Loop, waiter: Waiter<T>, what: string, options: CallOptions, onGivenUp: () => void) {
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    const giveUp = (reason: unknown): void => {
      if (this.#over) return;
      onGivenUp();
      this.reject(reason);
    };
    const deadline: Deadline = timeoutMs === Infinity ? "never" : loop.now() + timeoutMs;
    this.#waiter = waiter;
    this.#timeout = loop.timeout(deadline, () => giveUp(lateness(what, timeoutMs)));
    this.#signal = signal;
    this.#abort = () => giveUp(signal?.reason);
    signal?.addEventListener("abort", this.#abort);
  }

  resolve(value: T): void {
    if (this.#end()) this.#waiter.resolve(value);
  }

  reject(reason: unknown): void {
    if (this.#end()) this.#waiter.reject(reason);
  }

  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#timeout.remove();
    this.#signal?.removeEventListener("abort", this.#abort);
    return true;
  }
}

/** Why nothing should be begun with these options; undefined where nothing speaks against it. */
export function whyNotBegin(
  what: string,
  { timeoutMs = defaultTimeoutMs, signal }: CallOptions,
): { reason: unknown } | undefined {
  if (signal?.aborted === true) return { reason: signal.reason };
  return timeoutMs > 0 ? undefined : { reason: lateness(what, timeoutMs) };
}

function lateness(what: string, timeoutMs: number): DeadlineError {
  return new DeadlineError(
    timeoutMs > 0 ? `xenstored did not ${what} within ${timeoutMs} ms` : `no time left to ${what}`,
  );
}
