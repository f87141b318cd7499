import { Deferred, type Loop, StateError } from "../event/index.ts";

/** Hears the path that has changed, in the form the watch was made with. Runs on the loop; what it throws is reported. */
export type StoreWatchCallback = (path: string, watch: StoreWatch) => void;

/** What a watch needs of its connection. */
export interface StoreWatchKeeper {
  readonly loop: Loop;
  /** Ends the token, and the watch on xenstored's side; `finish` comes when that is done. */
  withdraw(watch: StoreWatch): void;
}

/**
 * Interest in a node and all below it; `Xenstore.watch` makes one. xenstored fires it once at the beginning, so that
 * nothing is missed between looking and watching, and then after each change.
 *
 *     adding -> active -> removed -> closed
 *
 * remove: adding, active -> removed; otherwise nothing. Afterwards the callback is never entered.
 * closed: when xenstored has let go of it, or the connection has ended.
 *
 * The token that xenstored sends back is never used twice: an event that was on its way when its watch was removed
 * reaches nobody, not even a watch of the same path made since.
 */
export class StoreWatch {
  readonly path: string;
  readonly #keeper: StoreWatchKeeper;
  readonly #callback: StoreWatchCallback;
  readonly #added = new Deferred();
  readonly #closed = new Deferred();
  #state: "adding" | "active" | "removed" | "closed" = "adding";
  #cause: unknown;

  constructor(keeper: StoreWatchKeeper, path: string, callback: StoreWatchCallback) {
    this.#keeper = keeper;
    this.path = path;
    this.#callback = callback;
  }

  get state(): "adding" | "active" | "removed" | "closed" {
    return this.#state;
  }

  /** Why it ended, where that was not by `remove`. */
  get cause(): unknown {
    return this.#cause;
  }

  /** Resolves when xenstored has accepted the watch; rejects when it never will, and with StateError after `remove`. */
  get added(): Promise<void> {
    return this.#added.promise;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  remove(): void {
    if (this.#end(new StateError(`the watch on ${this.path} was removed`))) this.#keeper.withdraw(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.remove();
    await this.closed;
  }

  /** xenstored has accepted it. */
  accept(): void {
    if (this.#state !== "adding") return;
    this.#state = "active";
    this.#added.resolve();
  }

  /** It ended by itself. False when it had ended before. */
  fail(cause: unknown): boolean {
    if (!this.#end(cause)) return false;
    this.#cause = cause;
    return true;
  }

  /** An event has come and its token has just been compared. It may come before the answer to the request. */
  enter(path: string): void {
    this.#callback(path, this);
  }

  /** Nothing is left of it. In a later turn, as its own callback may be what has brought this about. */
  finish(): void {
    this.#state = "closed";
    if (!this.#keeper.loop.post(() => this.#closed.resolve())) this.#closed.resolve();
  }

  #end(reason: unknown): boolean {
    if (this.#state !== "adding" && this.#state !== "active") return false;
    this.#state = "removed";
    this.#added.reject(reason);
    return true;
  }
}
