import { DurationCounts } from "../event/index.ts";

/** All calls of one name since the daemon began. */
export interface CallTotals {
  readonly name: string;
  readonly done: number;
  readonly failed: number;
  readonly durations: DurationCounts;
}

interface Counter {
  done: number;
  failed: number;
  readonly durations: DurationCounts;
}

/** Counts calls. There is one counter for each procedure that exists, however many are called. */
export class CallMeter {
  readonly #counters = new Map<string, Counter>();

  /** `name` is the procedure's, and no client's word. */
  count(name: string, failed: boolean, durationMs: number): void {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = { done: 0, failed: 0, durations: new DurationCounts() };
      this.#counters.set(name, counter);
    }
    if (failed) counter.failed++;
    else counter.done++;
    counter.durations.add(durationMs);
  }

  totals(): CallTotals[] {
    return [...this.#counters].map(([name, counter]) => ({ name, ...counter }));
  }
}
