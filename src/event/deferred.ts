/**
 * A result that is not there yet. Settling it is synchronous, and so is `whenSettled`; the promise is made only when
 * somebody asks for one, so that the core's transitions never depend on the microtask queue.
 */
export class Deferred<T = void> {
  #state: "pending" | "fulfilled" | "rejected" = "pending";
  #value: T | undefined;
  #reason: unknown;
  #listeners: (() => void)[] | undefined;
  #promise: Promise<T> | undefined;

  get state(): "pending" | "fulfilled" | "rejected" {
    return this.#state;
  }

  /** pending -> fulfilled; afterwards without effect. */
  resolve(value: T): void {
    if (this.#state !== "pending") return;
    this.#value = value;
    this.#settle("fulfilled");
  }

  /** pending -> rejected; afterwards without effect. */
  reject(reason: unknown): void {
    if (this.#state !== "pending") return;
    this.#reason = reason;
    this.#settle("rejected");
  }

  /** Calls `listener` once, synchronously with the settling, or at once when that has happened. */
  whenSettled(listener: () => void): void {
    if (this.#state !== "pending") return listener();
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  /** The same promise every time. */
  get promise(): Promise<T> {
    this.#promise ??= new Promise<T>((resolve, reject) => {
      this.whenSettled(() => {
        if (this.#state === "fulfilled") resolve(this.#value as T);
        else reject(this.#reason);
      });
    });
    return this.#promise;
  }

  #settle(state: "fulfilled" | "rejected"): void {
    this.#state = state;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener();
  }
}
