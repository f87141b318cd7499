import { Deferred, Feed } from "../event/index.ts";
import type { EventOptions } from "./event-types.ts";
import type { Session } from "./session.ts";

/** What a subscription is made of: how it begins on a session, and what is said when one was lost. */
export interface SubscriptionSource<E> {
  /**
   * Begins to hear; resolves with what ends it, which resolves when the server has confirmed that. `resumed`: not for the
   * first time.
   */
  begin(
    session: Session,
    push: (event: E) => void,
    resumed: { readonly cause: unknown } | undefined,
  ): Promise<() => Promise<void>>;
}

/** Ends those of several that have begun. */
export function endOf(begun: readonly PromiseSettledResult<() => Promise<void>>[]): () => Promise<void> {
  return async () => {
    await Promise.all(begun.map((each) => (each.status === "fulfilled" ? each.value() : nothing())));
  };
}

/** What a subscription needs of its connection. */
export interface SessionOwner {
  /** Aborted when the connection is closed by ourselves. */
  readonly closing: AbortSignal;
  /** The open session, or the next one when `wait`. Rejects when there is none, and will be none. */
  session(wait: boolean, limits: Pick<EventOptions, "signal">): Promise<Session>;
  /** Told when that session is over. Returns what takes it back. */
  onLost(session: Session, listener: (cause: unknown) => void): () => void;
  /** Resolves when all of `waits` have settled, or when that takes too long. */
  waitBriefly(waits: readonly Promise<unknown>[]): Promise<void>;
}

/**
 * Events, in order, without loss, until somebody ends it.
 *
 *     starting -> open -> ended
 *     open -> lost -> open       (with `reconnect`)
 *
 * ready:     resolves when the server has said that it tells events from here on; rejects when it does not. Settles with
 *            our own end, whatever the server says.
 * iteration: one reader. Ends by `break` or `close`; throws the signal's reason, the cause when the connection is lost, and
 *            OverflowError when the reader is too slow.
 * on:        instead of iterating: calls back for each event, and once with the cause of the end; undefined is `close`.
 *            Without `onEnd` an end that is not our own (`close`, the signal, closing the connection) is thrown where nobody
 *            catches it, and so is what a listener throws, which hears the next event all the same.
 * close:     any -> ended; nothing is told afterwards. Idempotent; so is disposing, which waits until the server has
 *            confirmed the end, or has had its time for that: so does leaving the iteration by `break`.
 */
export class Subscription<E> implements AsyncIterable<E>, AsyncDisposable {
  /** See above. */
  readonly ready: Promise<void>;
  readonly #owner: SessionOwner;
  readonly #source: SubscriptionSource<E>;
  readonly #options: EventOptions;
  readonly #feed: Feed<E>;
  #leave: () => Promise<void> = nothing;
  /** The server hears that we begin, or that we end. */
  readonly #telling = new Set<Promise<unknown>>();
  /** Our end, for which nobody waits on the server. */
  readonly #over = new Deferred();
  #onAbort: (() => void) | undefined;

  constructor(owner: SessionOwner, source: SubscriptionSource<E>, options: EventOptions) {
    this.#owner = owner;
    this.#source = source;
    this.#options = options;
    const { limit, signal } = options;
    this.#feed = new Feed<E>({ ...(limit !== undefined && { limit }), onClose: () => this.#finish() });
    if (signal !== undefined) {
      this.#onAbort = () => this.#end(signal.reason);
      signal.addEventListener("abort", this.#onAbort);
      if (signal.aborted) this.#end(signal.reason);
    }
    this.ready = Promise.race([this.#begin(undefined), this.#over.promise]);
    this.ready.catch(() => {});
  }

  get state(): "open" | "ended" {
    return this.#feed.state === "open" ? "open" : "ended";
  }

  on(listener: (event: E) => void, onEnd: (cause: unknown) => void = (cause) => this.#raiseForeign(cause)): this {
    const listen = async (): Promise<void> => {
      for await (const event of this) {
        try {
          listener(event);
        } catch (error) {
          raise(error);
        }
      }
    };
    listen().then(() => onEnd(undefined), onEnd);
    return this;
  }

  close(): void {
    this.#over.resolve();
    this.#feed.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<E, undefined> {
    const events = this.#feed[Symbol.asyncIterator]();
    return {
      next: () => events.next(),
      return: async () => {
        await this[Symbol.asyncDispose]();
        return { done: true, value: undefined };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    if (this.#telling.size > 0) await this.#owner.waitBriefly([...this.#telling]);
  }

  async #begin(resumed: { readonly cause: unknown } | undefined): Promise<void> {
    for (let again = resumed; ; ) {
      let lost: { readonly cause: unknown } | undefined;
      try {
        const session = await this.#owner.session(again !== undefined, this.#options);
        if (this.#feed.state !== "open") return;
        let begun = false;
        // First of all: the session may end while it is asked.
        const forget = this.#owner.onLost(session, (cause) => {
          lost = { cause };
          if (begun) this.#onLost(cause);
        });
        this.#leave = async () => {
          forget();
        };
        const end = await this.#tell(this.#beginOn(session, again));
        begun = true;
        // What was awaited may have been overtaken by our end.
        if (this.#feed.state !== "open") return await this.#tell(end());
        this.#leave = () => {
          forget();
          return end();
        };
        if (lost === undefined) return;
        throw lost.cause;
      } catch (error) {
        again = lost;
        if (again === undefined || this.#options.reconnect !== true || this.#feed.state !== "open") {
          this.#end(error);
          throw error;
        }
      }
    }
  }

  /** An end that nobody has asked for, and nobody hears of, is not silent. */
  #raiseForeign(cause: unknown): void {
    const ours: readonly unknown[] = [undefined, this.#options.signal?.reason, this.#owner.closing.reason];
    if (!ours.includes(cause)) raise(cause);
  }

  /** A beginning that our end has overtaken ends where it has come to. */
  async #beginOn(session: Session, resumed: { readonly cause: unknown } | undefined): Promise<() => Promise<void>> {
    const push = (event: E): void => {
      // Behind too far: what waits is read, and the server has nothing more to tell.
      if (!this.#feed.push(event)) this.#finish();
    };
    const end = await this.#source.begin(session, push, resumed);
    if (this.#feed.state !== "open") await end();
    return end;
  }

  #onLost(cause: unknown): void {
    this.#leave = nothing;
    if (this.#options.reconnect !== true) this.#end(cause);
    else this.#begin({ cause }).catch(() => {});
  }

  #end(cause: unknown): void {
    this.#over.reject(cause);
    this.#feed.end(cause);
    // Nothing is told any more, though what waits is still read.
    this.#finish();
  }

  #finish(): void {
    if (this.#onAbort !== undefined) this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#onAbort = undefined;
    const leave = this.#leave;
    this.#leave = nothing;
    this.#tell(leave()).catch(() => {});
  }

  /** Notes what is under way, so that disposing can wait for it. */
  #tell<T>(telling: Promise<T>): Promise<T> {
    const noted = telling.finally(() => this.#telling.delete(noted));
    this.#telling.add(noted);
    return noted;
  }
}

async function nothing(): Promise<void> {}

/** Where nobody catches it: as an error in a callback of Node's or of a page's. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
