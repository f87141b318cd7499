import { type Host, Loop } from "../../src/event/index.ts";

/** A host in virtual time, turned by the test. It has no descriptors: everything comes through fake transports. */
export class HandHost implements Host {
  time = 0;
  #deadline: number | undefined;
  #woken = false;

  now(): number {
    return this.time;
  }
  start(): void {}
  arm(): void {
    throw new Error("this host has no descriptors");
  }
  rearm(): void {}
  disarm(): void {}
  poll(): void {}
  wakeAt(deadline: number | undefined): void {
    this.#deadline = deadline;
  }
  wake(): void {
    this.#woken = true;
  }
  close(): void {
    this.#deadline = undefined;
  }

  /** Whether a turn would find something to do now. */
  takeReason(): boolean {
    const due = this.#woken || (this.#deadline !== undefined && this.#deadline <= this.time);
    this.#woken = false;
    return due;
  }
}

/** A loop on a hand-driven host, and what its callbacks threw. */
export class HandLoop {
  readonly host = new HandHost();
  readonly errors: unknown[] = [];
  readonly loop = new Loop(this.host, { onError: (error) => this.errors.push(error) });

  /** Turns and lets promises go on until neither has anything left to do now. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet++) {
      if (this.host.takeReason()) {
        this.loop.runTurn();
        quiet = -1;
      }
      await new Promise(setImmediate);
    }
  }

  /** Lets virtual time pass, in steps no larger than `stepMs`. */
  async pass(milliseconds: number, stepMs = 50): Promise<void> {
    const end = this.host.time + milliseconds;
    while (this.host.time < end) {
      this.host.time = Math.min(end, this.host.time + stepMs);
      await this.settle();
    }
  }
}
