/** Numbers that a seed decides: the same on every machine. */
export class Random {
  #state: number;

  /** Each run of a seed has a sequence of its own, so that one can be repeated without those before it. */
  constructor(seed: number, run: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(run + 1, 0x85ebca6b)) >>> 0;
    for (let rounds = 0; rounds < 4; rounds++) this.below(2);
  }

  /** From 0 to `bound` - 1; 0 when there is nothing to choose. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return bound < 1 ? 0 : ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}
