import { pairInMemory } from "../../src/rpc/memory-transport.ts";
import { Xenstore } from "../../src/xenstore/index.ts";
import { HandLoop } from "../qmp/hand-host.ts";
import { FakeXenstored } from "./fake-xenstored.ts";

/** A client and its fake xenstored, in memory and in virtual time. */
export class World {
  readonly hand = new HandLoop();
  readonly closes: Error[] = [];
  readonly store: Xenstore;
  readonly daemon: FakeXenstored;

  constructor() {
    const [ours, theirs] = pairInMemory(this.hand.loop);
    this.daemon = new FakeXenstored(theirs);
    this.store = new Xenstore(this.hand.loop, ours, { onClose: (cause) => this.closes.push(cause) });
    this.store.open();
  }

  /** What a promise has come to, once nothing moves any more. */
  async outcome<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown } | "pending"> {
    let outcome: { value: T } | { error: unknown } | "pending" = "pending";
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    await this.hand.settle();
    return outcome;
  }

  async value<T>(promise: Promise<T>): Promise<T> {
    const outcome = await this.outcome(promise);
    if (outcome === "pending") throw new Error("it has not settled");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  async error(promise: Promise<unknown>): Promise<unknown> {
    const outcome = await this.outcome(promise);
    if (outcome === "pending" || !("error" in outcome)) throw new Error(`not refused: ${JSON.stringify(outcome)}`);
    return outcome.error;
  }
}
