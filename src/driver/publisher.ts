/**
 * Tells every listener every event, in the order of publishing, synchronously; what is published meanwhile waits for
 * its turn. A listener that leaves hears nothing more, not even the event that is being told.
 */
export class Publisher<T> {
  readonly #listeners = new Set<{ readonly hear: (event: T) => void }>();
  readonly #onError: (error: unknown) => void;
  readonly #queue: T[] = [];
  #telling = false;

  /** `onError` hears what listeners throw. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  subscribe(listener: (event: T) => void): () => void {
    // An entry of its own, so that one function subscribed twice is two listeners.
    const entry = { hear: listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  publish(event: T): void {
    this.#queue.push(event);
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#tell(next);
    } finally {
      this.#telling = false;
    }
  }

  #tell(event: T): void {
    // A copy: who subscribes now hears the next one first. Who has left is not asked any more.
    for (const entry of Array.from(this.#listeners)) {
      if (!this.#listeners.has(entry)) continue;
      try {
        entry.hear(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
