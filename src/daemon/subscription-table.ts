export interface SubscriptionTableOptions<S, E> {
  /** Absent where there is nothing to be heard. */
  readonly subscribe: ((listener: (event: E) => void) => () => void) | undefined;
  /** The next callback id; they grow across the daemon. */
  readonly issueCallbackId: () => number;
  /** Which subscriptions an event is for. */
  readonly filter: (event: E) => (subscription: S) => boolean;
  readonly deliver: (callbackId: number, event: E, subscription: S) => void;
  /** Whether the peer may hear of it; must not reject. */
  readonly mayHear: (event: E) => boolean | Promise<boolean>;
  /** Hears what `deliver` throws once somebody had to be asked; before that its caller does. */
  readonly onError: (error: unknown) => void;
}

/**
 * What one peer wants to hear, by callback id. Events come from their source while there is at least one subscription.
 *
 * After `remove` has returned that subscription gets nothing more, not even of an event under delivery; `close` does
 * the same for all. A new subscription starts with the next event that the peer is told. Where somebody has to be asked
 * whether it may hear of one, those behind it wait.
 */
export class SubscriptionTable<S, E> {
  readonly #options: SubscriptionTableOptions<S, E>;
  readonly #byId = new Map<number, S>();
  #unsubscribe: (() => void) | undefined;
  /** Until nobody is asked any more. */
  #telling: Promise<void> | undefined;

  constructor(options: SubscriptionTableOptions<S, E>) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(callbackId: number): S | undefined {
    return this.#byId.get(callbackId);
  }

  entries(): Iterable<readonly [callbackId: number, subscription: S]> {
    return this.#byId;
  }

  /** Returns the callback id. */
  add(subscription: S): number {
    const callbackId = this.#options.issueCallbackId();
    this.#byId.set(callbackId, subscription);
    this.#unsubscribe ??= this.#options.subscribe?.((event) => this.#onEvent(event));
    return callbackId;
  }

  /** False when there is no such subscription. */
  remove(callbackId: number): boolean {
    const isKnown = this.#byId.delete(callbackId);
    if (this.#byId.size === 0) this.#stop();
    return isKnown;
  }

  close(): void {
    this.#byId.clear();
    this.#stop();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #onEvent(event: E): void {
    const isFor = this.#options.filter(event);
    // Those there are now: what is added under delivery starts with the next event.
    const subscriptions = [...this.#byId].filter(([, subscription]) => isFor(subscription));
    if (subscriptions.length === 0) return;
    const heard = this.#options.mayHear(event);
    const tell = (): void => {
      for (const [callbackId, subscription] of subscriptions)
        if (this.#byId.has(callbackId)) this.#options.deliver(callbackId, event, subscription);
    };
    if (typeof heard !== "boolean" || this.#telling !== undefined) this.#tellLater(heard, tell);
    else if (heard) tell();
  }

  #tellLater(heard: boolean | Promise<boolean>, tell: () => void): void {
    const telling = Promise.all([heard, this.#telling])
      .then(([mayHear]) => {
        if (this.#telling === telling) this.#telling = undefined;
        if (mayHear) tell();
      })
      // Those behind it are told all the same.
      .catch((error: unknown) => {
        if (this.#telling === telling) this.#telling = undefined;
        this.#options.onError(error);
      });
    this.#telling = telling;
  }
}
