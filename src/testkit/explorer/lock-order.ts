/** What is locked; two may have the same name. */
interface Lock {
  readonly name: string;
}

/** Which lock was taken while which was held. A cycle is a deadlock of some other schedule. */
export class LockOrder {
  readonly #after = new Map<Lock, Set<Lock>>();

  add(held: readonly Lock[], taken: Lock): void {
    for (const lock of held) {
      if (lock === taken) continue;
      let after = this.#after.get(lock);
      if (after === undefined) this.#after.set(lock, (after = new Set()));
      after.add(taken);
    }
  }

  /** The names along a cycle, or undefined. */
  cycle(): string[] | undefined {
    for (const start of this.#after.keys()) {
      const path = this.#pathTo(start, start, new Set());
      if (path !== undefined) return [start, ...path].map(({ name }) => name);
    }
    return undefined;
  }

  #pathTo(from: Lock, goal: Lock, seen: Set<Lock>): Lock[] | undefined {
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
