import type { Timers } from "../../src/event/index.ts";

/** Timers that go by hand. */
export class HandTimers implements Timers {
  time = 0;
  isClosed = false;
  readonly waits: number[] = [];
  ring: (() => void) | undefined;
  readonly soonest: (() => void)[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, ring: () => void): () => void {
    this.waits.push(ms);
    this.ring = ring;
    return () => {
      if (this.ring === ring) this.ring = undefined;
    };
  }

  soon(ring: () => void): void {
    this.soonest.push(ring);
  }

  close(): void {
    this.isClosed = true;
  }

  turn(): void {
    for (const ring of this.soonest.splice(0)) ring();
  }

  pass(ms: number): void {
    this.time += ms;
    const { ring } = this;
    this.ring = undefined;
    ring?.();
  }
}
