/** Upper bounds, in ms. */
export const durationBounds = [1, 5, 25, 100, 500, 2_500, 10_000] as const;

/** How long things took, counted since the beginning. */
export class DurationCounts {
  count = 0;
  totalMs = 0;
  readonly #within: number[] = durationBounds.map(() => 0);

  /** How many took no longer than each of `durationBounds`. */
  get within(): readonly number[] {
    return [...this.#within];
  }

  add(durationMs: number): void {
    this.count++;
    this.totalMs += durationMs;
    for (const [index, bound] of durationBounds.entries())
      if (durationMs <= bound) this.#within[index] = (this.#within[index] ?? 0) + 1;
  }
}
