/** An entry keeps its place in the heap itself, so that changing or removing it needs no search. */
export interface TimerEntry {
  /** Milliseconds on the host's clock. */
  deadline: number;
  /** The order of arming; breaks ties. */
  order: number;
  /** Index in the heap, -1 while not queued. */
  place: number;
}

/** A binary heap of deadlines: nearest first, ties in the order of arming. */
export class TimerQueue<T extends TimerEntry = TimerEntry> {
  readonly #heap: T[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  get nearest(): T | undefined {
    return this.#heap[0];
  }

  /** Queues the entry for `deadline`, or moves it there. */
  set(entry: T, deadline: number): void {
    this.delete(entry);
    entry.deadline = deadline;
    entry.order = this.#order++;
    entry.place = this.#heap.length;
    this.#heap.push(entry);
    this.#up(entry);
  }

  delete(entry: T): void {
    const place = entry.place;
    if (place < 0) return;
    entry.place = -1;
    const last = this.#heap.pop() as T;
    if (last === entry) return;
    last.place = place;
    this.#heap[place] = last;
    this.#up(last);
    this.#down(last);
  }

  /** Takes out what is due at `now`, in order. */
  takeDue(now: number): T[] {
    const due: T[] = [];
    for (let entry = this.nearest; entry !== undefined && entry.deadline <= now; entry = this.nearest) {
      this.delete(entry);
      due.push(entry);
    }
    return due;
  }

  #up(entry: T): void {
    while (entry.place > 0) {
      const parent = this.#heap[(entry.place - 1) >> 1] as T;
      if (!before(entry, parent)) return;
      this.#swap(parent, entry);
    }
  }

  #down(entry: T): void {
    for (;;) {
      const left = this.#heap[entry.place * 2 + 1];
      const right = this.#heap[entry.place * 2 + 2];
      const child = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (child === undefined || !before(child, entry)) return;
      this.#swap(entry, child);
    }
  }

  /** `lower` moves up one level, `upper` down. */
  #swap(upper: T, lower: T): void {
    [upper.place, lower.place] = [lower.place, upper.place];
    this.#heap[upper.place] = upper;
    this.#heap[lower.place] = lower;
  }
}

function before(a: TimerEntry, b: TimerEntry): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}
