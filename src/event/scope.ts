import { StateError } from "./errors.ts";

/** An object with a lifetime. Closing is idempotent. */
export interface Handle {
  [Symbol.asyncDispose](): PromiseLike<void>;
}

/**
 * Owns handles and closes them in reverse order of adding, each after the one before has ended.
 *
 *     open -> closing -> closed
 *
 * add:   open; later it closes the handle at once and throws, so that nothing is left without an owner.
 * close: all handles are closed even if some fail; then one error is rethrown as it is, several as an AggregateError.
 *        A handle may close the scope that closes it, but not wait for that: it would wait for itself.
 */
export class Scope implements Handle {
  readonly #handles = new Set<Handle>();
  #closing: Promise<void> | undefined;

  get size(): number {
    return this.#handles.size;
  }

  async add<T extends Handle>(handle: T): Promise<T> {
    if (this.#closing !== undefined) {
      await handle[Symbol.asyncDispose]();
      throw new StateError("the scope is closing: the handle was closed instead of added");
    }
    this.#handles.add(handle);
    return handle;
  }

  /** Gives the handle up without closing it. */
  release(handle: Handle): boolean {
    return this.#handles.delete(handle);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const handle of [...this.#handles].reverse()) {
      // Given up while those after it were closing.
      if (!this.#handles.delete(handle)) continue;
      try {
        await handle[Symbol.asyncDispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 0) return;
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, "several handles failed to close");
  }
}
