/** Which lock was taken while which was held. A cycle is a deadlock of some other schedule. */
export class LockOrder {
  readonly #after = new Map<string, Set<string>>();

  add(held: readonly { name: string }[], taken: { name: string }): void {
    for (const { name } of held) {
      if (name === taken.name) continue;
      let after = this.#after.get(name);
      if (after === undefined) this.#after.set(name, (after = new Set()));
      after.add(taken.name);
    }
  }

  /** The names along a cycle, or undefined. */
  cycle(): string[] | undefined {
    for (const start of this.#after.keys()) {
      const path = this.#pathTo(start, start, new Set());
      if (path !== undefined) return [start, ...path];
    }
    return undefined;
  }

  #pathTo(from: string, goal: string, seen: Set<string>): string[] | undefined {
    for (const next of this.#after.get(from) ?? []) {
      if (next === goal) return [goal];
      if (seen.has(next)) continue;
      seen.add(next);
      const rest = this.#pathTo(next, goal, seen);
      if (rest !== undefined) return [next, ...rest];
    }
    return undefined;
  }
}
