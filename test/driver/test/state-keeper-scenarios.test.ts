import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readKept } from "../../../src/driver/test/guest-record.ts";
import { StateKeeper } from "../../../src/driver/test/state-keeper.ts";
import { Deferred } from "../../../src/event/index.ts";
import type { DomainEvent, LifecycleEvent } from "../../../src/protocol/index.ts";
import { type AsyncSim, type Bounds, boundsFromEnvironment, exploreAsync } from "../../../src/testkit/index.ts";
import { checkHolds } from "../../event/exploring.ts";

const uuid = "11111111-2222-3333-4444-555555555555";
const bounds: Bounds = boundsFromEnvironment(process.env, { preemptions: 3, executions: 20_000 });
const isExhaustive = bounds.strategy === undefined || bounds.strategy === "depth-first";

interface Work {
  readonly mayFail: boolean;
  readonly apply: () => void;
  readonly done: Deferred;
}

/** A domain that is the number of its last change, a disk, a journal, and a process that may end at every step. */
class Bench {
  readonly sim: AsyncSim;
  readonly #work: Work[] = [];
  readonly #journal: number[] = [];
  readonly #confirmed: number[] = [];
  readonly #failed: number[] = [];
  readonly #gone = new Set<number>();
  #record: string | undefined;
  #live: number | undefined;
  #changes = 0;
  #isOver = false;
  readonly #keeper = new StateKeeper({
    store: {
      save: (_, text) => this.#begin(text.includes('"value"'), () => (this.#record = text)),
      remove: () => this.#begin(false, () => (this.#record = undefined)),
    },
    read: () => (this.#live === undefined ? undefined : `{"value":${this.#live}}\n`),
    nameOf: () => undefined,
    restore: (_, text) => (this.#live = text === undefined ? undefined : valueIn(text)),
    position: () => ({ journal: "journal", run: "run", sequence: this.#journal.length }),
    publish: (event) => this.#begin(false, () => this.#journal.push((event as LifecycleEvent).detail)),
  });

  constructor(sim: AsyncSim) {
    this.sim = sim;
  }

  /** Defines and undefines, without waiting. */
  change(isGone: boolean): void {
    const number = ++this.#changes;
    this.#live = isGone ? undefined : number;
    if (isGone) this.#gone.add(number);
    const event: DomainEvent = { name: "lifecycle", dom: { name: "one", uuid, id: -1 }, event: 0, detail: number };
    this.#keeper.tell(event);
    this.#keeper.settle([uuid]).then(
      () => this.#confirmed.push(number),
      () => this.#failed.push(number),
    );
  }

  /** Does what is asked of the disk, in the order in which it was asked, and some of it not. */
  async disk(): Promise<void> {
    for (;;) {
      await this.sim.until("the disk works", () => this.#work.length > 0 || this.#isOver);
      const work = this.#work.shift();
      if (work === undefined) return;
      this.check();
      if (work.mayFail && this.sim.choose(2) === 1) {
        work.done.reject(new Error("no room"));
        continue;
      }
      work.apply();
      this.check();
      work.done.resolve();
    }
  }

  async end(): Promise<void> {
    await this.sim.step("the changes are made");
    await this.#keeper.idle();
    this.#isOver = true;
  }

  /** If the process ended now, this is what the next would find. */
  check(): void {
    const told = this.#toldAfterEnd();
    const fail = (sentence: string): void =>
      this.sim.fail("assertion", `${sentence}: told ${told.join(" ")}, on disk ${this.#record ?? "nothing"}`);
    if (told.some((number, index) => number <= (told[index - 1] ?? 0))) fail("not once, or not in order");
    for (const each of this.#confirmed) if (!told.includes(each)) fail(`${each} was confirmed`);
    for (const each of this.#failed) if (told.includes(each)) fail(`${each} has failed`);
    const [last, value] = [told.at(-1), this.#record === undefined ? undefined : valueIn(this.#record)];
    const isTold = value === undefined ? last === undefined || this.#gone.has(last) : last === value;
    if (!isTold) fail("what is told last is not what is there");
  }

  checkEnd(): void {
    this.check();
    if (this.#confirmed.length + this.#failed.length !== this.#changes)
      this.sim.fail("assertion", `${this.#changes} changes, ${this.#confirmed.length} confirmed`);
    const value = this.#record === undefined ? undefined : valueIn(this.#record);
    if (value !== this.#live) this.sim.fail("assertion", `${this.#live} in memory, ${value} on disk`);
    if (value === undefined && this.#record !== undefined) this.sim.fail("assertion", "news are left that were told");
  }

  #toldAfterEnd(): number[] {
    if (this.#record?.includes('"news"') !== true) return [...this.#journal];
    const { news } = readKept(this.#record.replace('"value"', '"order"').replace(/"order":\d+/, '"format":1'), uuid);
    const had = this.#journal.length - (news?.since.sequence ?? 0);
    return [...this.#journal, ...(news?.events.slice(had) ?? []).map((event) => (event as LifecycleEvent).detail)];
  }

  #begin(mayFail: boolean, apply: () => void): Promise<void> {
    const work = { mayFail, apply, done: new Deferred() };
    this.#work.push(work);
    return work.done.promise;
  }
}

function valueIn(text: string): number | undefined {
  const found = /"value":(\d+)/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

const scenarios: Readonly<Record<string, readonly boolean[]>> = {
  "changed three times": [false, false, false],
  "defined, undefined, defined again": [false, true, false],
  "changed and undefined": [false, false, true],
};

suite("a domain on disk, under every schedule of its changes, the disk and the journal", () => {
  for (const [name, changes] of Object.entries(scenarios)) {
    test(`${name}: whenever the process ends, what is there has been told, once and in order`, async (t) => {
      const subject = (sim: AsyncSim): void => {
        const bench = new Bench(sim);
        sim.spawn("client", async () => {
          for (const isGone of changes) {
            await sim.step(isGone ? "undefine" : "change");
            bench.change(isGone);
            bench.check();
          }
          await bench.end();
        });
        sim.spawn("disk", () => bench.disk());
        sim.atEnd(() => bench.checkEnd());
      };
      const report = await exploreAsync(subject, bounds);
      checkHolds(report);
      if (isExhaustive) assert.ok(report.exhausted, "not all was tried: raise VIRTWRIGHT_EXPLORE_EXECUTIONS");
      t.diagnostic(`${report.executions} schedules`);
    });
  }
});
