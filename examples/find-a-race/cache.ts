/** Loads each value once and keeps it. That is the idea; there is a bug in it. */
export class Cache<T> {
  readonly #values = new Map<string, T>();
  readonly #load: (key: string) => Promise<T>;

  constructor(load: (key: string) => Promise<T>) {
    this.#load = load;
  }

  async get(key: string): Promise<T | undefined> {
    if (!this.#values.has(key)) this.#values.set(key, await this.#load(key));
    return this.#values.get(key);
  }

  /** The next `get` loads anew. */
  forget(key: string): void {
    this.#values.delete(key);
  }
}
