/** Who wants to know when a domain's run ends, by the domain's uuid. Each hears it once. */
export class RunEndings {
  readonly #listeners = new Map<string, Set<() => void>>();

  /** Until the function returned is called. */
  add(uuid: string, onEnd: () => void): () => void {
    const entry = (): void => onEnd();
    const all = this.#listeners.get(uuid) ?? new Set();
    this.#listeners.set(uuid, all.add(entry));
    return () => {
      all.delete(entry);
      if (all.size === 0 && this.#listeners.get(uuid) === all) this.#listeners.delete(uuid);
    };
  }

  end(uuid: string): void {
    const all = this.#listeners.get(uuid);
    this.#listeners.delete(uuid);
    for (const listener of all ?? []) listener();
  }

  endAll(): void {
    for (const uuid of Array.from(this.#listeners.keys())) this.end(uuid);
  }
}
