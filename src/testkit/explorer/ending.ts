import { Deferred } from "../../event/index.ts";

/** Like a promise, but heard in the very step that settles it: in the explorer nothing may happen between steps. */
export class Ending implements PromiseLike<void> {
  readonly #settled = new Deferred();
  #error: { readonly reason: unknown } | undefined;

  end(): void {
    this.#settled.resolve();
  }

  fail(reason: unknown): void {
    this.#error = { reason };
    this.#settled.resolve();
  }

  // oxlint-disable-next-line unicorn/no-thenable
  then<A, B>(
    onFulfilled?: (() => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    this.#settled.whenSettled(() => {
      if (this.#error === undefined) void onFulfilled?.();
      else void onRejected?.(this.#error.reason);
    });
    return this as unknown as PromiseLike<A | B>;
  }
}
