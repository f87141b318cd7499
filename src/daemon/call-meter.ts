/** Upper bounds of a call's duration, in ms. */
export const durationBounds = [1, 5, 25, 100, 500, 2_500, 10_000] as const;

/** All calls of one name since the daemon began. */
export interface CallTotals {
  readonly name: string;
  readonly done: number;
  readonly failed: number;
  /** How many took no longer than each of `durationBounds`. */
  readonly within: readonly number[];
  readonly totalMs: number;
}

interface Counter {
  done: number;
  failed: number;
  readonly within: number[];
  totalMs: number;
}

/** Counts calls. There is one counter for each procedure that exists, however many are called. */
export class CallMeter {
  readonly #counters = new Map<string, Counter>();

  /** `name` is the procedure's, and no client's word. */
  count(name: string, failed: boolean, durationMs: number): void {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = { done: 0, failed: 0, within: durationBounds.map(() => 0), totalMs: 0 };
      this.#counters.set(name, counter);
    }
    if (failed) counter.failed++;
    else counter.done++;
    counter.totalMs += durationMs;
    for (const [index, bound] of durationBounds.entries())
      if (durationMs <= bound) counter.within[index] = (counter.within[index] ?? 0) + 1;
  }

  totals(): CallTotals[] {
    return [...this.#counters].map(([name, counter]) => ({ name, ...counter, within: [...counter.within] }));
  }
}
