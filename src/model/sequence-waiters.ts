import { Deferred } from "../event/index.ts";

interface Waiter {
  readonly sequence: number;
  readonly done: Deferred;
}

/** Who waits for something to have become of numbered events. Several are settled in the order in which they came. */
export class SequenceWaiters {
  #waiters: Waiter[] = [];

  wait(sequence: number): Promise<void> {
    const done = new Deferred();
    this.#waiters.push({ sequence, done });
    return done.promise;
  }

  resolve(concerns: (sequence: number) => boolean): void {
    for (const { done } of this.#take(concerns)) done.resolve();
  }

  reject(concerns: (sequence: number) => boolean, cause: unknown): void {
    for (const { done } of this.#take(concerns)) done.reject(cause);
  }

  #take(concerns: (sequence: number) => boolean): Waiter[] {
    if (this.#waiters.length === 0) return [];
    const [now, later] = [[] as Waiter[], [] as Waiter[]];
    for (const waiter of this.#waiters) (concerns(waiter.sequence) ? now : later).push(waiter);
    this.#waiters = later;
    return now;
  }
}
